"""Charts of results: performance profiles, and the leaderboard as points with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rlbench.charts import literal
from rlbench.commands.plotting.style import panels, unit
from rlbench.drawing.shapes import BLUE, GREY, INK
from rlbench.harness.ranking.agent_results import RANDOM, AgentResult, generator
from rlbench.harness.ranking.bootstrap import resample, widening
from rlbench.harness.ranking.cells import budget, decimal, digits_of
from rlbench.harness.ranking.intervals import FEWEST_SEEDS
from rlbench.harness.ranking.recorded_runs import AgentVersion
from rlbench.harness.ranking.reference_lines import own_reference
from rlbench.harness.ranking.rows import Rankings
from rlbench.harness.ranking.scores import Floats, performance_profile
from rlbench.harness.tasks.suite import catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 400  # thresholds of a profile
COLUMNS = 2  # panels side by side
ROW = 0.27  # inches of an agent
TALL = 0.8  # of a row that a profile takes where all seeds are above
HEADING: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "size": 7.5, "color": unit(GREY)}


def played(by_task: Mapping[str, Sequence[AgentResult]]) -> dict[str, list[AgentResult]]:
    """The tasks with agents other than the random one, and those agents; the random one has score 0 by definition."""
    agents = {
        key: [entry for entry in some if entry.agent.name not in (RANDOM, entry.task.random_agent)]
        for key, some in by_task.items()
    }
    return {key: some for key, some in agents.items() if some}


def profiles(by_task: Mapping[str, Sequence[AgentResult]]) -> Figure:
    """Performance profiles: a panel per suite of several tasks that an agent has completed, and one per task.

    Tasks are left out whose reference is a mean of our own runs: their scores would be circular.
    """
    by_task = with_scores(by_task)
    charts: dict[str, dict[str, list[AgentResult]]] = {}
    for keys, suites in complete_suites(by_task).items():
        strata: dict[str, list[AgentResult]] = {}
        for entry in (entry for key in keys for entry in by_task[key]):
            strata.setdefault(entry.agent.label, []).append(entry)
        charts[f"suite {', '.join(suites)}"] = {a: some for a, some in strata.items() if len(some) == len(keys)}
    for key, some in by_task.items():
        charts[key] = {entry.agent.label: [entry] for entry in some}
    figure, axes, longest = chart_of_rows([len(strata) for strata in charts.values()])
    for (title, strata), panel, rows in zip(charts.items(), axes, longest, strict=True):
        profile(panel, title, strata, rows)
    return figure


def with_scores(by_task: Mapping[str, Sequence[AgentResult]]) -> dict[str, Sequence[AgentResult]]:
    """The tasks that have an independent reference, and so scores."""
    return {key: some for key, some in by_task.items() if not any(own_reference(entry.task) for entry in some)}


def chart_of_rows(counts: Sequence[int]) -> tuple[Figure, list[Axes], list[int]]:
    """A figure with a panel for each count of rows; its axes, and for each the rows of the longest panel beside it."""
    longest = [max(beside) for beside in batched(counts, COLUMNS)]
    figure, axes = panels(len(counts), 5.2, [ROW * rows for rows in longest], COLUMNS, around=1.1)
    return figure, axes, [longest[number // COLUMNS] for number in range(len(counts))]


def complete_suites(by_task: Mapping[str, Sequence[AgentResult]]) -> dict[tuple[str, ...], list[str]]:
    """Tasks of suites of several that an agent has completed, and the names of the suites with these tasks."""
    found: dict[tuple[str, ...], list[str]] = {}
    for suite, tasks in catalogue().suites.items():
        keys = tuple(task.key for task in tasks)
        having = [{entry.agent.label for entry in by_task.get(key, ())} for key in keys]
        if len(keys) > 1 and set.intersection(*having):
            found.setdefault(keys, []).append(suite)
    return found


def profile(panel: Axes, title: str, strata: Mapping[str, Sequence[AgentResult]], longest: int) -> None:
    """The share of training seeds that score above a threshold, with its interval: a row per agent, the best on top.

    Lines of all agents over one another, as papers have them, cannot be told apart from six agents on.

    Args:
        panel: where to draw.
        title: of the panel.
        strata: results of each agent, one per task.
        longest: rows of the longest panel beside it.
    """
    scores = {agent: [entry.scores for entry in some] for agent, some in strata.items()}
    order = sorted(scores, key=lambda agent: (-float(np.mean([x.mean() for x in scores[agent]])), agent))
    everything = np.concatenate([x for some in scores.values() for x in some])
    low, high = float(everything.min()), float(everything.max())
    margin = max(0.08 * (high - low), 0.05)
    tau = np.linspace(low - margin, high + margin, POINTS)
    drawn: Any = {"step": "post", "color": unit(BLUE), "lw": 0}
    for y, agent in enumerate(order):
        bottom = y + TALL / 2
        point = performance_profile(scores[agent], tau)
        panel.plot(tau, bottom - TALL * point, label=agent, drawstyle="steps-post", lw=1.2, color=unit(BLUE))
        panel.fill_between(tau, bottom, bottom - TALL * point, alpha=0.25, **drawn)
        if min(x.size for x in scores[agent]) >= FEWEST_SEEDS:
            below, above = profile_interval(scores[agent], tau, generator(title, agent))
            panel.fill_between(tau, bottom - TALL * below, bottom - TALL * above, alpha=0.2, **drawn)
    seeds = {agent: min(len(entry.runs) if entry.trained else 0 for entry in some) for agent, some in strata.items()}
    frame(panel, title, [with_seeds(agent, seeds[agent]) for agent in order], longest)
    panel.set_xlabel("score: 0 random, 1 reference\nheight: share of seeds above")


def profile_interval(strata: Sequence[Floats], tau: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The 95 % interval of a performance profile at each threshold, by the bootstrap over seeds."""
    point = performance_profile(strata, tau)
    drawn = performance_profile([resample(x, rng, 500) for x in strata], tau)  # [B, POINTS]
    drawn = point + widening([len(x) for x in strata]) * (drawn - point)
    below, above = np.clip(np.quantile(drawn, [0.025, 0.975], axis=0), 0, 1)
    return below, above


class Mark(NamedTuple):
    """What the leaderboard draws of an agent: name, mean return, and the ends of its 95 % interval if any."""

    name: str
    mean_return: float
    low: float | None
    high: float | None
    published: bool


def marks(of: Rankings, key: str) -> list[Mark]:
    """The agents of a task, ours and published, best first; scores that do not compare are left out."""
    ours = [
        Mark(
            with_seeds(AgentVersion(row.agent, row.version).label, row.training_seeds),
            *(row.mean_return, row.return_low, row.return_high, False),
        )
        for row in of.tasks.get(key, ())
    ]
    lines = [line for line in of.lines[key] if line.comparable and (line.kind == "published" or not ours)]
    published = [
        Mark(
            f"{line.agent}, {budget(line.training_steps)}" if line.training_steps else line.agent,
            *(line.mean_return, None, None, True),
        )
        for line in lines
    ]
    return sorted((*ours, *published), key=lambda mark: (-mark.mean_return, mark.name))


def leaderboard(of: Rankings, keys: Iterable[str] = ()) -> Figure:
    """The leaderboard: a panel per task, the agents from the top, each with its mean return and 95 % interval.

    Where no agent but the random one has played, the panels of `keys` hold the lines of reference alone.
    """
    tasks = {key: marks(of, key) for key in of.tasks or keys}
    figure, axes, longest = chart_of_rows([len(rows) for rows in tasks.values()])
    for (key, rows), panel, most in zip(tasks.items(), axes, longest, strict=True):
        ranking(panel, key, rows, most)
    return figure


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of `size` items; the last one holds the rest."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def ranking(panel: Axes, key: str, rows: Sequence[Mark], longest: int) -> None:
    """One task: a point and an interval per agent, and its mean return; as high as a panel of `longest` rows.

    Args:
        panel: where to draw.
        key: of the task.
        rows: agents from the top; published ones are drawn hollow and grey.
        longest: rows of the longest panel beside it.
    """
    task = catalogue().tasks[key]
    for y, mark in enumerate(rows):
        colour = unit(GREY if mark.published else BLUE)
        if mark.low is not None and mark.high is not None:
            panel.plot([mark.low, mark.high], [y, y], color=colour, lw=4, alpha=0.3)
        panel.plot([mark.mean_return], [y], "o", color=colour, ms=5, mfc="none" if mark.published else colour)
        shown = decimal(mark.mean_return, digits_of(task)).replace("-", "\N{MINUS SIGN}")
        panel.text(1.02, y, shown, transform=panel.get_yaxis_transform(), va="center", size=8)
    frame(panel, key, [mark.name for mark in rows], longest)
    for value in (task.random,) if own_reference(task) else (task.random, task.reference):
        panel.axvline(value, color=unit(GREY), lw=0.8, ls=(0, (2, 3)), zorder=0)
    panel.annotate("mean return", (1.02, 1), (0, 6), **HEADING)
    lines = "dotted: random" if own_reference(task) else "dotted: random and reference"
    panel.set_xlabel(f"mean return, 95 % interval over seeds\nhollow: published; {lines}")


def with_seeds(agent: str, seeds: int) -> str:
    """An agent and the number of its training seeds; the agent alone where it was not trained."""
    return f"{agent}  ({seeds})" if seeds else agent


def frame(panel: Axes, title: str, names: Sequence[str], longest: int) -> None:
    """Title of a panel and names of its rows; as high as a panel of `longest` rows."""
    panel.set_yticks(range(len(names)), [literal(name) for name in names])
    panel.set_ylim(longest - 0.4, -0.6)
    panel.tick_params(length=0)
    panel.tick_params(axis="y", labelcolor=unit(INK))
    panel.grid(visible=False, axis="y")
    panel.spines["left"].set_visible(False)
    panel.locator_params(axis="x", nbins=5)
    panel.set_title(title, color=unit(INK), pad=22)  # above the headings, which long titles would run into
    panel.annotate("agent (training seeds)", (-0.03, 1), (0, 6), ha="right", **HEADING)
