"""A catalogue of tasks and suites: rlbench's own, those of a file of somebody else, or all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from rlbench.errors import near_names
from rlbench.harness.tasks.task import Task

RESERVED = ("all", "classic")
"""Names that commands understand as something else."""


def missing(task: str, known: Iterable[str] = ()) -> str:
    """The message about a task that a record or a submission names and nobody has defined here.

    Args:
        task: its key.
        known: where somebody may have misspelt it, keys that exist; the nearest ones are offered.
    """
    names = near_names(task, known)
    near = f"; did you mean {' or '.join(names)}?" if names else ""
    return f"no definition of {task} is known here: put its file on RLBENCH_PATH, or install its package{near}"


@dataclass(frozen=True)
class Family:
    """What the leaderboard says of a suite that has a section of its own."""

    title: str = ""
    """Heading of the section; the name of the suite where it is empty."""

    lead: str = ""
    """Paragraph below the heading."""

    budgets: tuple[int, ...] = ()
    """Training steps up to which agents are ranked together, ascending; beyond the last, any number."""


@dataclass(frozen=True)
class Catalogue:
    """Tasks, the suites that they form, and the families that part them."""

    tasks: Mapping[str, Task] = field(default_factory=dict)
    """By key."""

    suites: Mapping[str, tuple[Task, ...]] = field(default_factory=dict)
    """By name; the families are among them."""

    family: Mapping[str, str] = field(default_factory=dict)
    """Name of the family of every task, by its key."""

    families: Mapping[str, Family] = field(default_factory=dict)
    """By name, in the order of the leaderboard."""

    sources: Mapping[str, str] = field(default_factory=dict)
    """Where the tasks of others are defined, by key; rlbench's own have no source."""

    mistakes: tuple[str, ...] = ()
    """A line for each file and entry point that was left out, and why."""

    def find(self, name: str) -> Task | None:
        """The task `name@version`, or the newest version of `name`, in upper or lower case; None where neither is."""
        found = [task for task in self.tasks.values() if name.lower() in (task.key, task.name)]
        return max(found, key=lambda task: task.version, default=None)

    def budgets(self, task: str) -> tuple[int, ...]:
        """Training steps up to which agents on a task, by its key, are ranked together; none for a task of nobody."""
        family = self.families.get(self.family.get(task, ""))
        return family.budgets if family else ()

    def members(self, family: str) -> tuple[Task, ...]:
        """The tasks of a family. The suite of its name may hold tasks of other families, too."""
        return tuple(task for task in self.suites.get(family, ()) if self.family.get(task.key) == family)

    def clash(self, other: Catalogue) -> str | None:
        """What a catalogue defines that this one has already, otherwise, in words; None where nothing is."""
        own = {task.name for key, task in self.tasks.items() if key not in self.sources}
        for key, task in other.tasks.items():
            if task.name in own or task.name in RESERVED:
                return f"{task.name} is a name of rlbench's; give the task another name"
            if key in self.tasks and self.tasks[key] != task:
                return f"{key} is defined otherwise in {self.sources[key]}; give it another name or version"
            if task.name in self.suites and self.find(task.name) is None:
                return f"{task.name} is a suite already; give the task another name"
        for name, suite in other.suites.items():
            if name in other.family.values() and other.find(name):
                continue  # a task that is in no suite is a family of itself
            if name in RESERVED or name in own or (name in self.suites and self.suites[name] != suite):
                return f"the suite {name} is there already; give it another name"
        return None

    def joined(self, other: Catalogue) -> Catalogue:
        """This catalogue and another that does not clash with it."""
        return Catalogue(
            {**self.tasks, **other.tasks},
            {
                **self.suites,
                **{name: _united(self.suites.get(name, ()), suite) for name, suite in other.suites.items()},
            },
            {**self.family, **other.family},
            {**self.families, **other.families},
            {**self.sources, **other.sources},
            (*self.mistakes, *other.mistakes),
        )

    def with_mistake(self, mistake: str) -> Catalogue:
        """This catalogue, which says of something that it was left out."""
        return replace(self, mistakes=(*self.mistakes, mistake))


def _united(some: tuple[Task, ...], others: tuple[Task, ...]) -> tuple[Task, ...]:
    """The tasks of both, each once."""
    return tuple({task.key: task for task in (*some, *others)}.values())
