"""What the page says of a family of tasks: its matrix, what the numbers mean there, and how to make them again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlbench.harness.ranking.cells import PUBLISHED, budget, line_label
from rlbench.harness.ranking.markdown import anchor, code, link
from rlbench.harness.ranking.matrix import agent_columns, family_matrix, left_out, published_reference
from rlbench.harness.ranking.reference_lines import ReferenceLine, own_reference
from rlbench.harness.ranking.rows import Rankings
from rlbench.harness.tasks.catalogue import Family
from rlbench.harness.tasks.suite import catalogue
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class Words:
    """What the page calls a family, and what it says before and below its matrix."""

    title: str
    lead: str = ""
    tasks: str = ""
    acts: str = ""  # how the reference agents choose actions when they are scored
    train: str = ""  # the command that trains one, with `{}` for the task; where none, the family's plan trains all
    curves: str = ""  # what must be known to read the learning curves of its tasks


GREEDY = "the one of the highest value or probability, never one drawn at random"

WORDS = {
    "mujoco-v5": Words(
        "Robots: Gymnasium's reward",
        "The robots of Gymnasium v5, on which papers report. **Not** the tasks of the same robots with "
        "[the lecture's reward](#robots-the-lectures-reward): their returns do not compare.",
        acts="the mean of the policy, without noise",
    ),
    "atari": Words(
        "Atari: from pixels",
        "A step is four frames. Every action is repeated with probability 0.25 (sticky actions, Machado et al. 2018).",
        "dqn-cpu, dqn-double and pqn-cpu have the network of Mnih et al. (2013), small enough to train on one core of "
        "a CPU. When they are scored, too, one of dqn-cpu's actions in twenty is random, and one in a hundred of the "
        "others'.",
        "the one of the highest value, and some at random: one in twenty of dqn-cpu's, as in the papers, and one in a "
        "hundred of the others'",
        "rlbench train dqn-double --task {}",
    ),
    "locomotion": Words(
        "Robots: the lecture's reward",
        "Five robots with the reward of a university's lecture on deep RL, which no paper uses: there is no published "
        "score and no independent reference. **Not** the tasks of papers, which have "
        "[Gymnasium's reward](#robots-gymnasiums-reward).",
        acts="the mean of the policy, without noise",
    ),
    "go": Words(
        "Go: games against a pool",
        "Numbers are Elo ratings: 400 points are odds of ten to one, and random legal moves are at 0. Random, mcts and "
        "gnugo are the opponents, whose ratings are frozen.",
        "[a, b] is the 95 % interval over training seeds, and no narrower than that of the games.",
        acts=GREEDY,
        curves="A curve is the share of validation games won, and these are against one opponent: mcts:1000 for "
        "alphazero, random moves for reinforce-go. The score is of games against the whole pool. So the curves compare "
        "neither with each other nor with the score.",
        train="rlbench train alphazero --preset go9 --task {}",
    ),
    "glimpses": Words(
        "Glimpses: classification",
        "An agent sees a few small crops (glimpses) of an image and names its digit; the return is the share of test "
        "images that it gets right, and guessing gets one in ten.",
        "RAM is the recurrent attention model of Mnih et al. (2014), and recurrent-attention is ours.",
        "the most probable digit, and the mean of the locations",
    ),
    "control": Words(
        "Control: cart-pole",
        "A return is the number of steps for which the pole stays up, of 500 at most.",
        "Names that end in -lecture are the algorithms of the lecture's slides as they stand.",
        GREEDY,
    ),
    "tabular": Words(
        "Tabular: grid world",
        "A step costs 1 until the exit is reached, so the exact optimum is known: the optimal value, averaged over the "
        "starts.",
        acts=GREEDY,
    ),
}
"""By family, in the order of the page: first what most readers come for. Families without words come last."""


def words_of(name: str) -> Words:
    """What the page says of a family; of one of others what their file says."""
    of_others = catalogue().families.get(name, Family())
    return WORDS.get(name) or Words(of_others.title or name, of_others.lead)


def family_names() -> list[str]:
    """The names of all families, in the order of the page."""
    known = catalogue().families
    return [name for name in dict.fromkeys((*WORDS, *known)) if name in known]


def families(
    suites: Mapping[str, Sequence[Task]], rankings: Rankings, links: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The families on which somebody has a result, in the order of the page; `links` lead to the pages of tasks."""
    known = catalogue()
    parts = {
        name: [t for t in suites[name] if known.family.get(t.key, name) == name]
        for name in family_names()
        if name in suites
    }
    found = [section for name, part in parts.items() if (section := family(name, part, rankings, links or {}))]
    anchors = {section["anchor"] for section in found}
    return [{**section, "lead": with_links_to(anchors, section["lead"])} for section in found]


def family(name: str, suite: Sequence[Task], rankings: Rankings, links: Mapping[str, str]) -> dict[str, Any] | None:
    """What the page shows of a family; None where nobody has completed one of its tasks."""
    words = words_of(name)
    matrix = family_matrix(words.title, suite, rankings)
    if not matrix:
        return None
    return {
        "name": name,
        "title": words.title,
        "anchor": anchor(words.title),
        "lead": words.lead,
        "matrix": matrix,
        "links": links,
        "tasks": [task.key for task in suite],
        "notes": notes(name, suite, rankings),
    }


def with_links_to(anchors: Collection[str], text: str) -> str:
    """Text with its links to these anchors of the page, and the words alone of those to others."""
    return re.sub(r"\[([^]]*)\]\(#([^)]*)\)", lambda found: found[0] if found[2] in anchors else found[1], text)


def notes(name: str, suite: Sequence[Task], rankings: Rankings) -> list[str]:
    """What stands below the matrix of a family: its agents and scale, published protocols, missing agents."""
    words = words_of(name)
    stated = " ".join(filter(None, (words.tasks, *(f"{sentence}." for sentence in scale(suite, rankings)))))
    lines = [stated] if stated else []
    lines += order_of(name, suite, rankings)
    if others := left_out(suite, rankings):
        lines.append(
            "Of published agents those are shown that are the best within a budget or of an algorithm scored here; "
            f"the pages of the tasks have {others} more."
        )
    lines += protocols([line for t in suite for line in rankings.lines[t.key] if line.comparable])
    unrated = [task.key for task in suite if task.is_game and not task.ratings]
    if unrated:
        lines.append(f"The opponents on {', '.join(unrated)} have no ratings: the games so far do not determine them.")
    unplayed = [task.key for task in suite if task.key not in rankings.tasks]
    if unplayed:
        train = code((words.train or f"rlbench run {name}").format(unplayed[0]))
        score = code(f"rlbench evaluate my_agent --task {unplayed[0]}")
        how = f"{score} scores one" if unplayed[0] in catalogue().sources else f"{train} trains one"
        lines.append(f"No agent yet on {', '.join(unplayed)}; {how}.")
    return lines


def order_of(name: str, suite: Sequence[Task], rankings: Rankings) -> list[str]:
    """By what the agents of a family are sorted, with its budgets, and what their steps are; empty for a single one."""
    games = all(task.is_game for task in suite)
    columns = agent_columns(suite, rankings)
    if len(columns) < 2:
        return ["The agent that was scored stands first, then the fixed opponents."] if games and columns else []
    last = "mean score (random is 0, the reference 1)" if len(suite) > 1 else "return, at equal ones by steps"
    if games:
        last = "the share of games won"
    budgets = catalogue().families.get(name, Family()).budgets
    if not budgets:
        return [f"Agents are sorted by {last} alone: this family has no budgets of training steps."]
    keeps = f"by the budget that they keep to (up to {', '.join(map(budget, budgets))} steps, or more), then by {last}"
    if games:
        agents = "Trained agents" if trained(suite, rankings) else "Agents"
        return [f"{agents} first, {keeps}; then the fixed opponents."]
    ranges = any("(" in cell.steps for column in columns for cell in column.cells.values())
    steps = " Steps are of all training, the median of the seeds (least–most)." if ranges else ""
    return [f"Agents are sorted {keeps}.{steps}"]


def trained(suite: Sequence[Task], rankings: Rankings) -> bool:
    """Whether all agents that were scored on a family were trained."""
    return all(row.training_seeds for task in suite for row in rankings.tasks.get(task.key, ()))


def scale(suite: Sequence[Task], rankings: Rankings) -> list[str]:
    """What the random agent and the reference of a family are, where that is not plain from the matrix."""
    if all(task.is_game or own_reference(task) for task in suite):
        return []
    usual = {Task.__dataclass_fields__["random_source"].default, "chance"}
    others = unique(task.random_source for task in suite if task.random_source not in usual)
    of_random = [f"Random is {source}" for source in others]
    lines = [published_reference(task, rankings) for task in suite]
    if None in lines:
        return of_random + [f"The reference is {source}" for source in unique(task.reference_source for task in suite)]
    of_reference: dict[str, list[str]] = {}
    for line, task in zip(lines, suite, strict=True):
        if line:
            name = line_label(line) if line.published else task.reference_source
            of_reference.setdefault(name, []).append(task.name)
    if len(of_reference) == 1:
        return of_random + [f"The reference is {name}" for name in of_reference]
    return of_random + [f"The reference on {', '.join(tasks)} is {name}" for name, tasks in of_reference.items()]


def unique(texts: Iterable[str]) -> list[str]:
    """The texts, each once."""
    return list(dict.fromkeys(texts))


def protocols(lines: Sequence[ReferenceLine]) -> list[str]:
    """How the protocols of published scores differ from the tasks: first what all have, then a line per source.

    Where only some scores of a source have a clause, it names them: by their tasks, else by their agents.
    """
    published = [line for line in lines if line.kind == "published"]
    of_source: dict[tuple[str, str], list[ReferenceLine]] = {}
    for line in published:
        of_source.setdefault((line.source, line.url), []).append(line)
    everywhere = [clause for clause in unique(clauses(published)) if in_all(clause, list(of_source.values()))]
    if len(of_source) == 1:
        everywhere = []
    common = "; ".join(qualified(clause, published) for clause in everywhere)
    stated = [f"{PUBLISHED} all: {common}."] if everywhere else []
    for (source, url), of in of_source.items():
        own = [qualified(clause, of) for clause in unique(clauses(of)) if clause not in everywhere]
        names = ", ".join(unique(line.agent for line in of))
        mark = f"{PUBLISHED} " if any(line.published for line in of) else ""
        stated.append(f"{mark}{names}, from {cited(source, url, short=True)}{': ' if own else ''}{'; '.join(own)}.")
    return stated


def clauses(lines: Iterable[ReferenceLine]) -> list[str]:
    """The clauses of all protocols."""
    return [clause for line in lines if line.protocol for clause in line.protocol.split("; ")]


def in_all(clause: str, groups: Sequence[Sequence[ReferenceLine]]) -> bool:
    """Whether every group has a score with this clause."""
    return all(clause in clauses(lines) for lines in groups)


def qualified(clause: str, lines: Sequence[ReferenceLine]) -> str:
    """A clause, after the names of the scores that it is true of, where it is not true of all."""
    having = [line for line in lines if clause in clauses([line])]
    return clause if len(having) == len(lines) else f"{whose(having, lines)}: {clause}"


def whose(having: Sequence[ReferenceLine], published: Sequence[ReferenceLine]) -> str:
    """Names of the published scores that a clause is true of."""
    if len(having) == len(published) > 1:
        return "all"
    tasks, agents = (unique(getattr(line, name) for line in having) for name in ("task", "agent"))
    names = ", ".join(key.partition("@")[0] for key in tasks)
    if sum(line.task in tasks for line in published) == len(having):
        return names
    complete = sum(line.agent in agents for line in published) == len(having)
    return ", ".join(agents) + ("" if complete else f" on {names}")


def sources(lines: Sequence[ReferenceLine]) -> list[str]:
    """Where published scores of a task come from, and how their protocols differ; equal ones share a line."""
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


def cited(source: str, url: str, short: bool = False) -> str:
    """Sources as links; if `short`, without commit and file of a repository."""
    names = [name.partition("@")[0] if short else name for name in source.split("; ")]
    return ", ".join(link(name, to) for name, to in zip(names, url.split(), strict=True)) if url else source
