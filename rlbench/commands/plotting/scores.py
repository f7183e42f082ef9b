"""Charts of results: performance profiles, and the leaderboard as points with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rlbench.commands.plotting.style import legend, looks, panels, unit
from rlbench.drawing.shapes import BLUE, GREY, INK
from rlbench.harness.ranking.agent_results import RANDOM, AgentResult, generator
from rlbench.harness.ranking.bootstrap import resample, widening
from rlbench.harness.ranking.intervals import FEWEST_SEEDS
from rlbench.harness.ranking.rankings import Rankings
from rlbench.harness.ranking.scores import performance_profile
from rlbench.harness.ranking.tables import budget, decimal, digits_of
from rlbench.harness.tasks.suite import SUITES, TASKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 400  # thresholds of a profile
COLUMNS = 2  # panels of the leaderboard side by side
ROW = 0.27  # inches of an agent in the leaderboard


def played(by_task: Mapping[str, Sequence[AgentResult]]) -> dict[str, list[AgentResult]]:
    """The tasks with agents other than the random one, and those agents; the random one has score 0 by definition."""
    agents = {key: [entry for entry in some if entry.agent.name != RANDOM] for key, some in by_task.items()}
    return {key: some for key, some in agents.items() if some}


def profiles(by_task: Mapping[str, Sequence[AgentResult]]) -> Figure:
    """Performance profiles: a panel per suite of several tasks that an agent has completed, and one per task."""
    agents = sorted({name(entry) for some in by_task.values() for entry in some})
    of_agent = looks(agents)
    charts: dict[str, dict[str, list[AgentResult]]] = {}
    for keys, suites in complete_suites(by_task).items():
        strata = {agent: [entry for key in keys for entry in by_task[key] if name(entry) == agent] for agent in agents}
        charts[f"suite {', '.join(suites)}"] = {a: some for a, some in strata.items() if len(some) == len(keys)}
    for key, some in by_task.items():
        charts[key] = {name(entry): [entry] for entry in sorted(some, key=name)}
    figure, axes = panels(len(charts), 4.4, 3.3)
    for (title, strata), panel in zip(charts.items(), axes, strict=True):
        profile(panel, title, strata, of_agent)
    legend(figure, axes)
    return figure


def complete_suites(by_task: Mapping[str, Sequence[AgentResult]]) -> dict[tuple[str, ...], list[str]]:
    """Tasks of suites of several that an agent has completed, and the names of the suites with these tasks."""
    found: dict[tuple[str, ...], list[str]] = {}
    for suite, tasks in SUITES.items():
        keys = tuple(task.key for task in tasks)
        having = [{name(entry) for entry in by_task.get(key, ())} for key in keys]
        if len(keys) > 1 and set.intersection(*having):
            found.setdefault(keys, []).append(suite)
    return found


def profile(
    panel: Axes, title: str, strata: Mapping[str, Sequence[AgentResult]], of_agent: Mapping[str, dict[str, Any]]
) -> None:
    """The share of training seeds that score above a threshold, a line per agent, with intervals.

    Args:
        panel: where to draw.
        title: of the panel.
        strata: results of each agent, one per task.
        of_agent: colour and dashes of each agent's line.
    """
    scores = {agent: [entry.scores for entry in some] for agent, some in strata.items()}
    everything = np.concatenate([x for some in scores.values() for x in some])
    low, high = float(everything.min()), float(everything.max())
    margin = max(0.08 * (high - low), 0.05)
    tau = np.linspace(low - margin, high + margin, POINTS)
    for number, (agent, some) in enumerate(scores.items()):
        point = performance_profile(some, tau)
        width = 1.5 * (len(scores) - number) ** 0.5  # of several that coincide each is seen, the first one outermost
        panel.plot(tau, point, label=agent, drawstyle="steps-post", lw=width, **of_agent[agent])
        counts = [len(x) for x in some]
        if min(counts) >= FEWEST_SEEDS:
            rng = generator(title, agent)
            drawn = performance_profile([resample(x, rng, 500) for x in some], tau)  # [B, POINTS]
            drawn = point + widening(counts) * (drawn - point)
            below, above = np.clip(np.quantile(drawn, [0.025, 0.975], axis=0), 0, 1)
            panel.fill_between(tau, below, above, step="post", color=of_agent[agent]["color"], alpha=0.12, lw=0)
    panel.set_title(title, color=unit(INK))
    panel.set_xlabel("normalised score")
    panel.set_ylabel("share of seeds above")
    panel.set_ylim(-0.02, 1.04)
    panel.locator_params(axis="x", nbins=5)
    panel.tick_params(length=0)


class Mark(NamedTuple):
    """What the leaderboard draws of an agent: name, mean return, score, and the ends of its 95 % interval if any."""

    name: str
    mean_return: float
    score: float
    low: float | None
    high: float | None
    published: bool


def marks(of: Rankings, key: str) -> list[Mark]:
    """The agents of a task, ours and published, best first."""
    ours = [
        Mark(
            f"{row.agent}  ({row.training_seeds})" if row.training_seeds else row.agent,
            *(row.mean_return, row.score, row.score_low, row.score_high, False),
        )
        for row in of.tasks.get(key, ())
    ]
    lines = [line for line in of.lines[key] if line.kind == "published" or not ours]
    published = [
        Mark(
            f"{line.agent}, {budget(line.training_steps)}" if line.training_steps else line.agent,
            *(line.mean_return, line.score, None, None, True),
        )
        for line in lines
    ]
    return sorted((*ours, *published), key=lambda mark: (-mark.score, mark.name))


def leaderboard(of: Rankings, keys: Iterable[str] = ()) -> Figure:
    """The leaderboard: a panel per task, the agents from the top, each with its score and 95 % interval.

    Where no agent but the random one has played, the panels of `keys` hold the lines of reference alone.
    """
    tasks = {key: marks(of, key) for key in of.tasks or keys}
    longest = [max(map(len, rows)) for rows in batched(tasks.values(), COLUMNS)]
    figure, axes = panels(len(tasks), 5.2, [ROW * rows + 1.0 for rows in longest], COLUMNS)
    for number, ((key, rows), panel) in enumerate(zip(tasks.items(), axes, strict=True)):
        ranking(panel, key, rows, longest[number // COLUMNS])
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
    for y, mark in enumerate(rows):
        colour = unit(GREY if mark.published else BLUE)
        if mark.low is not None and mark.high is not None:
            panel.plot([mark.low, mark.high], [y, y], color=colour, lw=4, alpha=0.3)
        panel.plot([mark.score], [y], "o", color=colour, ms=5, mfc="none" if mark.published else colour)
        shown = decimal(mark.mean_return, digits_of(TASKS[key])).replace("-", "\N{MINUS SIGN}")
        panel.text(1.02, y, shown, transform=panel.get_yaxis_transform(), va="center", size=8)
    panel.set_yticks(range(len(rows)), [mark.name for mark in rows])
    panel.set_ylim(longest - 0.4, -0.6)
    panel.tick_params(length=0)
    panel.tick_params(axis="y", labelcolor=unit(INK))
    panel.grid(visible=False, axis="y")
    panel.spines["left"].set_visible(False)
    for value in (0.0, 1.0):
        panel.axvline(value, color=unit(GREY), lw=0.8, ls=(0, (2, 3)), zorder=0)
    panel.set_title(key, color=unit(INK))
    heading: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "size": 7.5, "color": unit(GREY)}
    panel.annotate("mean return", (1.02, 1), (0, 12), **heading)
    panel.annotate("agent (training seeds)", (-0.015, 1), (0, 12), ha="right", **heading)
    panel.set_xlabel("normalised score: 0 random, 1 reference; hollow: published")


def name(entry: AgentResult) -> str:
    """An agent with its version, where that is not the first."""
    return entry.agent.name if entry.agent.version == "1" else f"{entry.agent.name} {entry.agent.version}"
