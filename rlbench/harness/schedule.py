"""The schedule of an evaluation: which block is played next, over all runs, and what has become of each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.isolation import tiers
from rlbench.harness.open_run import OpenRun, PartOfRun
from rlbench.harness.play_block import PlayBlock, PlayedBlock
from rlbench.harness.results import record
from rlbench.harness.shards import Shard
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task

Pair = tuple[Task, Submission | str | Path]
"""A task, and who plays it: a submission, its folder, or the name of a built-in one."""


class EndedRun(NamedTuple):
    """What became of a task and a submission."""

    task: Task
    entrant: Submission | None
    """None where it could not be read."""

    outcome: Path | UserError
    """The record, or the part of one; or why there is none, or why it does not go on."""


class BlockName(NamedTuple):
    """A block of one of the runs."""

    run: int
    number: int


class Schedule:
    """Runs of several tasks and submissions; a context, at whose end their records are closed.

    A run is begun when no block of those before it can be begun. Two of the same task, agent, version, owner and
    training seed are never played at once, as the second would find the first one's record.

    Args:
        pairs: Tasks, and who plays each.
        results_dir: Folder of the records.
        isolation: The tier in which agents run, or `auto`.
        traces: Whether actions are kept beside the records.
        limit: Episodes after which a run ends, in whole blocks; None for all.
        shard: Which part of all blocks is played; None for all.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        results_dir: Path,
        isolation: tiers.Asked,
        traces: bool,
        limit: int | None = None,
        shard: Shard | None = None,
    ) -> None:
        shares = shard.blocks([task.blocks for task, _ in pairs]) if shard else []
        self._parts = [PartOfRun(shard, share) for share in shares] if shard else []
        self._results_dir, self._isolation, self._traces, self._limit = results_dir, isolation, traces, limit
        self._waiting: list[tuple[int, Task, Submission]] = []
        self._open: dict[int, tuple[OpenRun, Submission]] = {}
        self._ended: list[EndedRun] = []
        self._episodes = 0
        for number, (task, given) in enumerate(pairs):
            entrant = _submission_or_error(given)
            if isinstance(entrant, UserError):
                self._ended.append(EndedRun(task, None, entrant))
            elif not self._parts or self._parts[number].blocks:
                self._waiting.append((number, task, entrant))

    @property
    def over(self) -> bool:
        """Whether every run has ended, and `ended` has returned it."""
        return not (self._waiting or self._open or self._ended)

    @property
    def episodes(self) -> int:
        """How many episodes are committed, or were when a run ended without them."""
        return self._episodes + sum(run.episodes for run, _ in self._open.values())

    def next_block(self) -> tuple[BlockName, PlayBlock] | None:
        """The next block that can be begun; None where there is none now."""
        while True:
            for number, (run, _) in self._open.items():
                if block := run.next_block():
                    return BlockName(number, block.number), block
            if not self._begin_run():
                return None

    def settle(self, block: BlockName, result: PlayedBlock | Exception) -> None:
        """Take a block's result; one of a run that has ended is dropped.

        Raises:
            Exception: rlbench itself failed, by the result.
        """
        if block.run not in self._open:
            return
        run, _ = self._open[block.run]
        try:
            run.settle(block.number, result)
        except UserError as error:
            self._end(block.run, error)
        else:
            if run.ended:
                self._end(block.run)

    def ended(self) -> Iterator[EndedRun]:
        """The runs that have ended since this was last asked."""
        while self._ended:
            yield self._ended.pop(0)

    def _begin_run(self) -> bool:
        """Begin the next run that can be; whether there was one, though it may have ended at once."""
        playing = {_identity(run.task, entrant) for run, entrant in self._open.values()}
        for waiting in self._waiting:
            number, task, entrant = waiting
            if _identity(task, entrant) in playing:
                continue
            self._waiting.remove(waiting)
            try:
                path = checked_path(self._results_dir, task, entrant)
                if record.is_complete(path, task, entrant):
                    self._ended.append(EndedRun(task, entrant, path))
                    self._episodes += task.episodes
                    return True
                part = self._parts[number] if self._parts else None
            except UserError as error:
                self._ended.append(EndedRun(task, entrant, error))
                self._episodes += task.episodes
                return True
            run = OpenRun(task, entrant, path, self._isolation, self._traces, self._limit, part)
            self._open[number] = run, entrant  # before it holds anything, so that it is closed in any case
            try:
                run.__enter__()
            except UserError as error:
                self._end(number, error)
                return True
            if run.ended:  # it lacked its last line alone
                self._end(number)
            return True
        return False

    def _end(self, number: int, error: UserError | None = None) -> None:
        run, entrant = self._open[number]
        run.__exit__(type(error) if error else None, error, None)
        del self._open[number]
        self._ended.append(EndedRun(run.task, entrant, error or run.path))
        self._episodes += run.task.episodes

    def __enter__(self) -> Schedule:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            run, _ = self._open.popitem()[1]
            run.__exit__(kind, error, trace)


def _submission_or_error(given: Submission | str | Path) -> Submission | UserError:
    try:
        return given if isinstance(given, Submission) else submission.read(given)
    except UserError as error:
        return error


def checked_path(results_dir: Path, task: Task, entrant: Submission) -> Path:
    """Where the record of a run belongs.

    Raises:
        UserError: The submission does not play the task, or the record would lie in its folder.
    """
    if entrant.tasks and not entrant.plays(task):
        listed = ", ".join(entrant.tasks)
        raise UserError(
            f"{entrant.folder} is not submitted to {task.key}, only to {listed}; list {task.key} under tasks"
        )
    path = record.path_of(results_dir, task, entrant)
    if path.resolve().is_relative_to(entrant.folder):
        raise UserError(
            f"records in {results_dir} would change the digest of the submission, whose folder is "
            f"{entrant.folder}; give another folder for results"
        )
    return path


def _identity(task: Task, entrant: Submission) -> tuple[str, str, str, str, int | None]:
    return task.key, entrant.name, entrant.version, entrant.owner, entrant.training_seed
