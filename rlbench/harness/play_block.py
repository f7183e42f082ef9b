"""The work of playing one block of a run, as executors do it, here or on another machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from rlbench import children
from rlbench.harness import contents
from rlbench.harness.blocks import play_isolated
from rlbench.harness.isolation import tiers
from rlbench.harness.isolation.private_copy import private_copy
from rlbench.harness.kept import Kept
from rlbench.harness.proof import kept_actions
from rlbench.harness.proof.resimulation import Actions
from rlbench.harness.results.record import BlockResult
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class PlayedBlock:
    """A block, and the actions of each of its episodes; none where they are not kept."""

    block: BlockResult
    actions: list[Actions]


@dataclass(frozen=True)
class PlayBlock:
    """The work of playing one block."""

    task: Task
    """With what an agent has left of the time for a whole run."""

    entrant: Submission
    number: int
    isolation: tiers.Tier
    keep_actions: bool

    @property
    def digest(self) -> str:
        """That of the submission, whose files it needs."""
        return self.entrant.digest

    @property
    def may_be_repeated(self) -> bool:
        """Whether it may be done again where its process died: a sandboxed agent cannot have killed it."""
        return self.isolation != "process"

    def files(self) -> dict[str, bytes]:
        """The files of the submission, by their path in it."""
        folder = self.entrant.copy or self.entrant.folder
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in contents.files(folder)}

    def elsewhere(self, files: Mapping[str, bytes]) -> PlayElsewhere:
        """The same work on a machine that does not have the submission."""
        return PlayElsewhere(self, files)

    def __str__(self) -> str:
        return f"{self.task.key}, block {self.number}"

    def __call__(self, kept: Kept) -> PlayedBlock:
        """Play it; a fault at once in block 0 is the mistake of whoever evaluates."""
        steps: list[Actions] = []
        block = play_isolated(
            self.task,
            self.entrant,
            self.number,
            strict=self.number == 0,
            isolation=self.isolation,
            steps=steps if self.keep_actions else None,
            kept=kept,
        )
        return PlayedBlock(block, kept_actions.split(steps, block) if self.keep_actions else [])


@dataclass(frozen=True)
class PlayElsewhere:
    """The work of playing one block by a submission that is sent along."""

    work: PlayBlock
    files: Mapping[str, bytes]

    def __call__(self, kept: Kept) -> PlayedBlock:
        """Write the files to a folder of this machine, and play by a private copy of it."""
        with children.temporary_folder() as folder:
            for name, content in self.files.items():
                path = folder / "submission" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            entrant = self.work.entrant
            with private_copy(dataclasses.replace(entrant, folder=folder / "submission", copy=None)) as there:
                return dataclasses.replace(self.work, entrant=dataclasses.replace(entrant, copy=there.copy))(kept)
