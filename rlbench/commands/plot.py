"""`rlbench plot`: learning curves of training runs, performance profiles and the leaderboard, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from rlbench.commands.plotting import curves, scores
from rlbench.commands.plotting.style import style
from rlbench.commands.shared.output import Format, Output, Quiet, print_table, table_of
from rlbench.commands.shared.runs import load_runs
from rlbench.errors import UserError, counted
from rlbench.harness.ranking.agent_results import collect_results
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.recorded_runs import AgentVersion, RecordedRun
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import catalogue
from rlbench.whole_files import replacing_regular

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")


@dataclass(frozen=True)
class PlotOptions:
    """Draw learning curves of training runs, performance profiles and the leaderboard of results."""

    runs: Positional[tuple[Path, ...]]
    """Folders of training runs (runs/train/cart-pole@1/dqn-s0), of results (results), or of both (runs/quick)."""
    output: Output = Path("plots")
    """Folder for the charts."""
    axis: curves.Axis = "steps"
    """What learning curves are drawn against."""
    quiet: Quiet = False
    """Print nothing but mistakes."""
    format: Format = "table"


def run(options: PlotOptions) -> int:
    """Write the charts and print which; 0. Raises UserError where there is nothing to draw."""
    charts = [*curve_charts(options), *score_charts(options)]
    if not charts:
        searched = ", ".join(map(str, options.runs)) or "nothing given"
        raise UserError(f"no learning curve ({curves.CURVE}) and no complete results found: {searched}")
    rows = [row for name, make, what in charts for row in save(name, make, what, options.output)]
    if options.format != "table" or not options.quiet:
        print_table(table_of(rows), options.format)
    return 0


Chart = tuple[str, "Callable[[], Figure]", str]  # file name, the drawing, what it shows


def curve_charts(options: PlotOptions) -> list[Chart]:
    """The chart of all learning curves, if there are any, and where they are of several tasks, one for each."""
    for path in options.runs:
        if not path.exists():
            raise UserError(f"nothing at {path}; give folders of training runs or of results")
    found = curves.read_all(curves.find(options.runs), options.axis)
    if not found:
        return []
    tasks = {task: [curve for curve in found if curve.task == task] for task in sorted({c.task for c in found})}
    several = tasks if len(tasks) > 1 else {}
    return [
        (name, lambda of=of: curves.draw(of, options.axis), shown(of))  # type: ignore[misc]  # bound now, not later
        for name, of in (("curves", found), *((f"curves/{file_name(task)}", of) for task, of in several.items()))
    ]


def shown(found: Sequence[curves.Curve]) -> str:
    """What a chart of learning curves shows."""
    return f"{counted(len(found), 'training run')}, {counted(len({curve.agent for curve in found}), 'agent')}"


def file_name(task: str) -> str:
    """A task's key, or the id of an environment, as the name of a file."""
    return task.replace("/", "-")


def score_charts(options: PlotOptions) -> list[Chart]:
    """The charts of results, if any are complete."""
    runs = each_record_once(run for folder in results_folders(options.runs) for run in load_runs(folder))
    known = catalogue()
    by_task = collect_results(runs, known.tasks)[0]
    if not by_task:
        return []
    ranked = compute_rankings(runs, known.tasks, known.suites)
    played = scores.played(by_task)
    if not played:
        what = f"the lines of reference of {counted(len(by_task), 'task')}"
        return [("leaderboard", lambda: scores.leaderboard(ranked, by_task), what)]
    what = f"{counted(sum(map(len, played.values())), 'agent')} on {counted(len(played), 'task')}"
    unplayed = len(by_task) - len(played)
    what += f"; the random agent alone on {counted(unplayed, 'other')}" if unplayed else ""
    profiles: list[Chart] = [("profiles", lambda: scores.profiles(played), what)] if scores.with_scores(played) else []
    return [*profiles, ("leaderboard", lambda: scores.leaderboard(ranked), what)]


def results_folders(paths: tuple[Path, ...]) -> list[Path]:
    """The folders with records among these, and among the folders `results` in them."""
    candidates = [folder for path in paths for folder in (path, path / "results") if folder.is_dir()]
    there = {folder.resolve(): folder for folder in candidates if record.find(folder, "*@*/*.jsonl")}
    return list(there.values())


def each_record_once(runs: Iterable[RecordedRun]) -> list[RecordedRun]:
    """The runs of several folders of results; of a record that is in several of them, the longest copy."""
    longest: dict[tuple[str, AgentVersion, str], RecordedRun] = {}
    for run in runs:
        key = (run.task, run.agent, run.digest)
        if key not in longest or len(run.returns) > len(longest[key].returns):
            longest[key] = run
    return list(longest.values())


def save(name: str, make: Callable[[], Figure], what: str, folder: Path) -> list[dict[str, str]]:
    """Write one chart in every format; a row for each file.

    Args:
        name: of the file.
        make: draws the chart.
        what: a line about what it shows.
        folder: where it goes.
    """
    with style():
        figure = make()
        rows = []
        for suffix in FORMATS:
            path = folder / f"{name}.{suffix}"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with replacing_regular(path) as scratch:
                    figure.savefig(scratch, format=suffix, metadata={"Date": None} if suffix == "svg" else None)
            except OSError as error:
                raise UserError(f"cannot write {path}: {error.strerror or error}; give another --output") from None
            rows.append({"chart": name, "file": str(path), "shows": what})
    return rows
