"""Writer of a record: continues after the last committed block, and appends whole blocks."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from rlbench.errors import UserError, counted
from rlbench.harness.results import header, record
from rlbench.harness.results.jsonl import JsonlWriter
from rlbench.harness.results.record import BlockResult
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.process.termination import uninterrupted


class RecordWriter:
    """The only writer of one record; a context. UserError where the file is locked or records something else.

    Args:
        path: Of the record.
        task: What is played.
        entrant: Who plays.
        isolation: The tier in which the agent runs, for the header of a new record.
    """

    blocks: int
    """Number of committed blocks."""

    complete: bool

    def __init__(self, path: Path, task: Task, entrant: Submission, isolation: str) -> None:
        self._file = JsonlWriter(path)
        try:
            self._begin(task, entrant, isolation)
        except BaseException:
            self._file.close()
            raise

    def commit(self, block: BlockResult) -> None:
        """Append a block; once this returns, it is on the disk."""
        with uninterrupted():  # what is on the disk counts, whatever signal comes meanwhile
            self._append([*(episode.line() for episode in block.episodes), block.line()])
            self.blocks += 1
            self._episodes += len(block.episodes)

    def finish(self) -> None:
        """Append the footer, unless it is there."""
        if not self.complete:
            self._append([{"kind": "footer", "blocks": self.blocks, "episodes": self._episodes}])
            self.complete = True

    def lack(self, episodes: int, reason: str) -> None:
        """Append a line which says how many episodes this machine cannot play, and why; whoever goes on replaces it."""
        self._append([{"kind": "lacking", "episodes": episodes, "reason": reason}])

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not self.blocks:  # nothing is committed: as if it had never been begun
            self._file.cut(0)
        self._file.close()

    def _begin(self, task: Task, entrant: Submission, isolation: str) -> None:
        """Cut off what was not committed, or write the header of a new record."""
        held = record.begun(self._file.path)
        if held is not None:
            header.check_header(held.header, task, entrant, self._file.path)
        self.blocks = len(held.blocks) if held else 0
        self._episodes = len(held.episodes) if held else 0
        self.complete = held is not None and held.complete
        self._previous = held.last if held else None
        self._file.cut(held.size if held else 0)
        if held is None:
            self._append([header.new_header(task, entrant, isolation)])

    def _append(self, lines: list[dict[str, Any]]) -> None:
        """Append lines to the chain: each carries the digest of the one before."""
        safe = f"written before, and safe: {counted(self.blocks, 'block')}; run again to go on"
        self._previous = self._file.append_linked(lines, self._previous, safe)


def refuse_namesakes(path: Path, entrant: Submission) -> None:
    """Raise UserError where one beside `path` has the same agent, version, owner and seed, but another digest."""
    for other in record.find(path.parent, f"{entrant.name}@*.jsonl"):
        held = record.read_header(other) if other != path else None
        if held is None:
            continue
        identity = [held[name] for name in ("agent", "version", "owner", "training_seed")]
        if identity == [entrant.name, entrant.version, entrant.owner, entrant.training_seed]:
            what = "another manifest" if held["contents"] == entrant.contents else "other contents"
            raise UserError(
                f"{other} holds {what} of {entrant.name} {entrant.version}; "
                f"raise the version in submission.toml, or remove that file"
            )
