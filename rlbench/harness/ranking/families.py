"""What the page says of a family of tasks: its matrix, what the numbers mean there, and how to make them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlbench.harness.ranking.markdown import anchor, code, link
from rlbench.harness.ranking.matrix import family_matrix, published_reference
from rlbench.harness.ranking.rankings import Rankings
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.tables import PUBLISHED, budget
from rlbench.harness.tasks.suite import FAMILIES
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class Words:
    """How the page calls a family, a sentence on its tasks, and how a task without an agent of ours gets one."""

    title: str
    tasks: str = ""
    train: str = ""  # the command that trains one, with `{}` for the task; where none, the family's plan trains all


WORDS = {
    "mujoco-v5": Words("Robots: Gymnasium's reward", "Gymnasium's v5 robots, on which papers report."),
    "atari": Words(
        "Atari: from pixels",
        "Every action is repeated with probability 0.25 (sticky actions, Machado et al. 2018); a step is four frames.",
        "rlbench train dqn --preset atari-cpu --task {}",
    ),
    "locomotion": Words(
        "Robots: the lecture's reward",
        "The same robots with the reward of a university lecture, which no paper uses: no published score compares.",
    ),
    "go": Words(
        "Go: games against a pool",
        "Numbers are Elo ratings: 400 points are odds of ten to one, and random legal moves are at 0. Random, mcts and "
        "gnugo are the opponents, whose ratings are frozen.",
        "rlbench train reinforce-go --task {}",
    ),
    "glimpses": Words(
        "Glimpses: classification",
        "An agent sees a few small crops (glimpses) of an image and names its digit; the return is the share of test "
        "images that it gets right. RAM is the recurrent attention model of Mnih et al. (2014).",
    ),
    "control": Words("Control: cart-pole"),
    "tabular": Words("Tabular: grid world"),
}
"""By family, in the order of the page: first what most readers come for. Families without words come last."""


def families(suites: Mapping[str, Sequence[Task]], rankings: Rankings) -> list[dict[str, Any]]:
    """The families on which somebody has a result, in the order of the page."""
    order = [name for name in dict.fromkeys((*WORDS, *FAMILIES)) if name in FAMILIES and name in suites]
    return [section for name in order if (section := family(name, suites[name], rankings))]


def family(name: str, suite: Sequence[Task], rankings: Rankings) -> dict[str, Any] | None:
    """What the page shows of a family; None where nobody has completed one of its tasks."""
    words = WORDS.get(name, Words(name))
    matrix = family_matrix(words.title, suite, rankings)
    if not matrix:
        return None
    played = [task for task in suite if task.key in rankings.tasks]
    return {
        "name": name,
        "title": words.title,
        "anchor": anchor(words.title),
        "matrix": matrix,
        "links": {task.key: f"#{anchor(task.key)}" for task in played},
        "notes": notes(name, suite, rankings),
    }


def notes(name: str, suite: Sequence[Task], rankings: Rankings) -> list[str]:
    """What stands below the matrix of a family: its tasks and scale, protocols, missing agents, the command."""
    words, again = WORDS.get(name, Words(name)), f"rlbench run {name}"
    of_tasks = " ".join(filter(None, (words.tasks, *(f"{sentence}." for sentence in scale(suite, rankings)))))
    told = protocols([line for task in suite for line in rankings.lines[task.key]])
    lines = [of_tasks] if of_tasks else []
    lines += [f"{PUBLISHED} {'; '.join(told)}."] if told else []
    unplayed = [task.key for task in suite if task.key not in rankings.tasks]
    if unplayed:
        command = code((words.train or again).format(unplayed[0]))
        lines.append(f"No agent of ours yet on {', '.join(unplayed)}; {command} trains one.")
    return [*lines, f"To train and score ours again: {code(again)}."]


def scale(suite: Sequence[Task], rankings: Rankings) -> list[str]:
    """What the random agent and the reference of a family are, where that is not plain from the matrix."""
    if all(task.is_game for task in suite):
        return []
    usual = Task.__dataclass_fields__["random_source"].default
    of_random = [f"Random is {source}" for source in unique(task.random_source for task in suite) if source != usual]
    lines = [published_reference(task, rankings) for task in suite]
    if None in lines:
        return of_random + [f"The reference is {source}" for source in unique(task.reference_source for task in suite)]
    return of_random + [f"The reference is {name} {PUBLISHED}" for name in unique(line.agent for line in lines if line)]


def unique(texts: Iterable[str]) -> list[str]:
    """The texts, each once."""
    return list(dict.fromkeys(texts))


def protocols(lines: Sequence[ReferenceLine]) -> list[str]:
    """How the protocols of published scores differ from the tasks', a text for each clause: whose, then what.

    A clause is told of all, else of the tasks whose published scores all have it, else of the agents.
    """
    published = [line for line in lines if line.kind == "published"]
    clauses: dict[str, list[ReferenceLine]] = {}
    for line in published:
        for clause in line.protocol.split("; ") if line.protocol else ():
            clauses.setdefault(clause, []).append(line)
    told = sorted(clauses.items(), key=lambda each: -len(each[1]))
    return [f"{whose(having, published)}: {clause}" for clause, having in told]


def whose(having: Sequence[ReferenceLine], published: Sequence[ReferenceLine]) -> str:
    """Of which published scores a clause is told."""
    if len(having) == len(published) > 1:
        return "all"
    tasks, agents = (unique(getattr(line, name) for line in having) for name in ("task", "agent"))
    names = ", ".join(key.partition("@")[0] for key in tasks)
    if sum(line.task in tasks for line in published) == len(having):
        return names
    complete = sum(line.agent in agents for line in published) == len(having)
    return ", ".join(agents) + ("" if complete else f" on {names}")


def sources(lines: Sequence[ReferenceLine]) -> list[str]:
    """Where published scores of a task come from and how their protocols differ; those that agree in both as one."""
    same: dict[tuple[str, str, str], list[ReferenceLine]] = {}
    for line in lines:
        if line.kind == "published":
            same.setdefault((line.protocol, line.source, line.url), []).append(line)
    return [
        f"{', '.join(dict.fromkeys(map(at_steps, some)))}: {protocol}. Source: {cited(source, url)}"
        for (protocol, source, url), some in same.items()
    ]


def at_steps(line: ReferenceLine) -> str:
    """A published agent and its training steps: `SAC at 1M`."""
    return f"{line.agent} at {budget(line.training_steps)}" if line.training_steps else line.agent


def cited(source: str, url: str) -> str:
    """Sources as links."""
    names = source.split("; ")
    return ", ".join(link(name, to) for name, to in zip(names, url.split(), strict=True)) if url else source
