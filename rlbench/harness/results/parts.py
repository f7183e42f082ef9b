"""Parts of a record: the blocks that one shard has played, from which `merging` makes the record.

`<agent>@<digest12>.part-I-of-N.jsonl` beside where the record belongs is a file of JSON lines: a first line with the
header that the record would have from here, then one line per block with its episodes. Each line but the first carries
the digest of the line before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlbench.errors import UserError, counted
from rlbench.harness.results import header, record
from rlbench.harness.results.jsonl import JsonlWriter, as_object, broken, line_digest, whole_lines
from rlbench.harness.results.record import BlockResult
from rlbench.harness.results.schema import violation
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.process.termination import uninterrupted
from rlbench.regular_files import read_regular

SCHEMA = 1
KIND = "part"
MAX_BYTES = 1 << 28


@dataclass(frozen=True)
class Part:
    """The committed blocks of one shard."""

    path: Path
    header: Mapping[str, Any]
    """That of the record."""

    shard: str
    total_blocks: int
    """How many blocks the whole run has."""

    total_seconds: float
    """What an agent may take in the whole run."""

    blocks: Mapping[int, tuple[list[dict[str, Any]], dict[str, Any]]]
    """Number of a block -> its episode lines and its block line, as in a record but for `previous`."""

    size: int
    last: str


def path_of(record_path: Path, number: int, of: int) -> Path:
    """Where a shard keeps its part of a record."""
    return record_path.with_name(f"{record_path.stem}.{KIND}-{number}-of-{of}.jsonl")


def find(folder: Path) -> list[Path]:
    """The parts below a folder of results, in the order of their names."""
    found = sorted(folder.glob(f"*/*.{KIND}-*-of-*.jsonl"))
    return [path for path in found if not record.is_hidden(path, folder) and not path.parent.is_symlink()]


def unmerged(folder: Path) -> list[Path]:
    """The parts below a folder of results of which no complete record is there."""
    found = find(folder)
    whole = {path for path in {record_of(each) for each in found} if _is_complete(path)}
    return [path for path in found if record_of(path) not in whole]


def record_of(path: Path) -> Path:
    """Where the record of a part belongs."""
    return path.with_name(f"{path.name.rpartition(f'.{KIND}-')[0]}.jsonl")


def _is_complete(path: Path) -> bool:
    with contextlib.suppress(UserError):  # one that cannot be read has its own line
        return (run := record.read(path)) is not None and run.complete
    return False


def read(path: Path) -> Part | None:
    """A part; None where there is none, or not yet a line.

    Raises:
        UserError: The file cannot be read, or is damaged before its last whole line.
    """
    try:
        lines = whole_lines(read_regular(path, MAX_BYTES), path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    if not lines:
        return None
    first = as_object(lines[0])
    head = first.get("header")
    if not _is_first(first) or not isinstance(head, dict) or violation(head):
        raise UserError(f"{path} is no part of a record of schema {SCHEMA}; move it away")
    blocks = {}
    for i, line in enumerate(map(as_object, lines[1:]), start=1):
        if not _is_block(line) or broken(line, lines[i - 1]):
            raise UserError(f"{path}, line {i + 1}: damaged; move it away, and play the shard again")
        blocks[line["block"]["block"]] = line["episodes"], line["block"]
    size, last = sum(len(line) + 1 for line in lines), line_digest(lines[-1])
    return Part(path, head, first["shard"], first["total_blocks"], first["total_seconds"], blocks, size, last)


def begun(path: Path) -> tuple[str | None, list[dict[str, Any]]]:
    """The tier in which a part was begun, None for none, and the lines of the blocks that it has."""
    held = read(path)
    if held is None or not held.blocks:
        return None, []
    return held.header["isolation"], [block for _, block in held.blocks.values()]


def _is_first(line: Mapping[str, Any]) -> bool:
    """Whether a line begins a part, with the types that its fields have."""
    of_part = line.get("kind") == KIND and line.get("schema") == SCHEMA
    types = {"shard": (str,), "total_blocks": (int,), "total_seconds": (int, float)}
    return of_part and all(type(line.get(name)) in some for name, some in types.items())


def _is_block(line: Mapping[str, Any]) -> bool:
    """Whether a line holds a block as records do."""
    block, episodes = line.get("block"), line.get("episodes")
    if not isinstance(line.get("previous"), str) or not isinstance(block, dict) or not isinstance(episodes, list):
        return False
    whole = [{**each, "previous": "0" * 16} for each in (*episodes, block) if isinstance(each, dict)]
    return len(whole) == len(episodes) + 1 and not any(map(violation, whole)) and block.get("kind") == "block"


class PartWriter:
    """The only writer of one part; a context. It goes on behind the blocks that are there.

    Args:
        path: Of the part.
        task: What is played.
        entrant: Who plays.
        isolation: The tier in which the agent runs.
        shard: Whose part it is, as `2/8`.

    Raises:
        UserError: The file is locked, or records something else.
    """

    def __init__(self, path: Path, task: Task, entrant: Submission, isolation: str, shard: str) -> None:
        self._file = JsonlWriter(path)
        try:
            held = read(path)
            held = held if held and held.blocks else None  # a first line alone is left of a process that was killed
            if held is not None:
                header.check_header(held.header, task, entrant, path)
            self.done = set(held.blocks) if held else set()
            self._previous = held.last if held else None
            self._file.cut(held.size if held else 0)
            if held is None:
                head = header.new_header(task, entrant, isolation)
                first = {"kind": KIND, "schema": SCHEMA, "shard": shard, "header": head}
                self._append([{**first, "total_blocks": task.blocks, "total_seconds": task.total_seconds}])
        except BaseException:
            self._file.close()
            raise

    def commit(self, block: BlockResult) -> None:
        """Append a block; once this returns, it is on the disk."""
        with uninterrupted():
            self._append([{"episodes": [episode.line() for episode in block.episodes], "block": block.line()}])
            self.done.add(block.number)

    def finish(self) -> None:
        """Nothing: whether a run is complete, is known when its parts are put together."""

    def _append(self, lines: Sequence[Mapping[str, Any]]) -> None:
        safe = f"written before, and safe: {counted(len(getattr(self, 'done', ())), 'block')}"
        self._previous = self._file.append_linked(lines, self._previous, safe)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not self.done:  # nothing is committed: as if it had never been begun
            self._file.cut(0)
        self._file.close()
