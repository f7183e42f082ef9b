"""A run that is being recorded: which of its blocks may be played now, and their results in the order of the record.

Blocks may be played at once and end in any order; they are committed in their own. What an agent has taken of the time
for a whole run depends on all blocks before. So a block is begun before the others have ended only while there is
enough time left for whatever they may take: then its time limits are those of a run in which one block follows another.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlbench.errors import LackingError, UserError
from rlbench.harness.block_errors import failure
from rlbench.harness.blocks import copied
from rlbench.harness.isolation import tiers
from rlbench.harness.play_block import PlayBlock, PlayedBlock
from rlbench.harness.proof import kept_actions
from rlbench.harness.results import parts, record
from rlbench.harness.results.parts import PartWriter
from rlbench.harness.results.writer import RecordWriter, refuse_namesakes
from rlbench.harness.shards import Shard
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.process.termination import uninterrupted


@dataclass(frozen=True)
class PartOfRun:
    """The blocks of a run that one shard plays, into a file of its own."""

    shard: Shard
    blocks: Sequence[int]


class OpenRun:
    """A record that this process writes, or a part of one; a context. It goes on behind the blocks that are there.

    Entered, it raises UserError where another record of the same name is there, or it cannot be written.

    Args:
        task: What is played.
        entrant: Who plays.
        path: Of the record.
        isolation: The tier in which the agent runs, or `auto`.
        traces: Whether the actions are kept beside the record.
        limit: Episodes after which it ends, in whole blocks; None for all.
        part: What of the record is played; None for all of it.
    """

    ended = False

    def __init__(
        self,
        task: Task,
        entrant: Submission,
        path: Path,
        isolation: tiers.Asked,
        traces: bool,
        limit: int | None = None,
        part: PartOfRun | None = None,
    ) -> None:
        self.task, self.path = task, parts.path_of(path, *part.shard) if part else path
        last = task.blocks if limit is None else min(task.blocks, -(-limit // task.num_envs))
        self._blocks: Sequence[int] = part.blocks if part else range(last)
        self._entrant, self._isolation, self._traces, self._part = entrant, isolation, traces, part
        self._record = path
        self._next = self._committed = 0
        self._results: dict[int, PlayedBlock | Exception] = {}
        self._resources = contextlib.ExitStack()

    def _begin(self) -> None:
        """Open the record."""
        refuse_namesakes(self._record, self._entrant)
        begun_in = parts.begun if self._part else _begun
        self._tier, begun = obtain_tier(self._isolation, self.path, self.task, begun_in)
        self._limited = without_spent_time(self.task, begun)
        self._entrant = self._resources.enter_context(copied(self._entrant, self.task, len(begun)))
        with uninterrupted():  # whatever is opened gets closed
            self._writer = self._opened()
            self._resources.enter_context(self._writer)
            keeping = kept_actions.keeping(self._record, len(begun))
            self._keeper = self._resources.enter_context(keeping) if self._traces else None
        self._next = self._committed = len(begun)
        self._end_if_complete()

    def _opened(self) -> RecordWriter | PartWriter:
        if self._part:
            return PartWriter(self.path, self.task, self._entrant, self._tier, str(self._part.shard))
        return RecordWriter(self.path, self.task, self._entrant, self._tier)

    @property
    def episodes(self) -> int:
        """How many episodes are committed."""
        return sum(len(self.task.block(number)) for number in self._blocks[: self._committed])

    def next_block(self) -> PlayBlock | None:
        """The work of the next block; None where none is left, or none may be begun yet."""
        in_flight = self._next - self._committed
        if self.ended or self._next >= len(self._blocks):
            return None
        if in_flight and self._limited.total_seconds < (in_flight + 1) * longest_block(self.task):
            return None
        number = self._blocks[self._next]
        work = PlayBlock(self._limited, self._entrant, number, self._tier, self._keeper is not None)
        self._next += 1
        return work

    def settle(self, number: int, result: PlayedBlock | Exception) -> None:
        """Take the result of a block, and commit what is next in the order of blocks.

        Raises:
            UserError: The run ends here, by the first block that could not be played; those before are committed.
        """
        self._results[number] = result
        while not self.ended and (number := self._blocks[self._committed]) in self._results:
            self._commit(number, self._results.pop(number))

    def _commit(self, number: int, result: PlayedBlock | Exception) -> None:
        if (
            isinstance(result, LackingError)
            and self.task.is_supplement(number)
            and isinstance(self._writer, RecordWriter)
        ):
            missing = self.task.episodes - self.task.block(number)[0]
            self._writer.lack(missing, str(result).removeprefix(f"{self.task.key}: "))
            self.ended = True
            return
        if isinstance(result, Exception):
            self.ended = True
            raise result
        if self._keeper:
            self._keeper.append(number, result.actions)
        self._writer.commit(result.block)
        self._committed += 1
        self._limited = without_spent_time(self._limited, [result.block.line()])
        self._end_if_complete()

    def _end_if_complete(self) -> None:
        if self._committed == self.task.blocks:
            self._writer.finish()
        self.ended = self.ended or self._committed >= len(self._blocks)

    def __enter__(self) -> OpenRun:
        try:
            self._begin()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        with uninterrupted():
            self._resources.__exit__(*error)


def longest_block(task: Task) -> float:
    """Seconds that an agent can take in one block at most: until the call ends that uses up the last of its time."""
    return task.limits.load + task.limits.run + task.limits.act


def without_spent_time(task: Task, blocks: Sequence[Mapping[str, Any]]) -> Task:
    """The task, with what an agent has left of the time for a whole run after the blocks of these lines in a record."""
    spent = sum(line.get("load_seconds", 0.0) + line.get("act_seconds", 0.0) for line in blocks)
    return dataclasses.replace(task, total_seconds=task.total_seconds - spent)


Begun = tuple[str | None, Sequence[Mapping[str, Any]]]
"""The tier in which a file was begun, None for none; and the lines of the blocks in it."""


def _begun(path: Path) -> Begun:
    """What is in a record."""
    held = record.begun(path)
    return (held.header["isolation"], held.blocks) if held else (None, [])


def obtain_tier(
    asked: tiers.Asked, path: Path, task: Task, begun_in: Callable[[Path], Begun]
) -> tuple[tiers.Tier, Sequence[Mapping[str, Any]]]:
    """The tier of isolation for a run, and the blocks that it has: a record goes on in the tier it was begun in.

    Args:
        asked: The tier, or `auto`.
        path: Of the record, or of a part of it.
        task: What is played.
        begun_in: Reads what is there.

    Raises:
        UserError: This machine does not have the tier, or the record was begun in another.
    """
    begun, blocks = begun_in(path)
    try:
        tier = tiers.obtain(begun if asked == "auto" and begun in tiers.TIERS else asked)
    except OSError as error:  # no processes, no disk
        raise failure(error, f"{task.key}, block {len(blocks)}") from None
    if begun not in (tier, None):
        raise UserError(f"{path} was begun with --isolation={begun}; go on with that, or move it away")
    return tier, blocks
