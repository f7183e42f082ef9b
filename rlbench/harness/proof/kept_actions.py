"""Kept actions: those of a record's episodes, compressed, so that the record can be proved without the submission.

`<record>.actions`, beside `<record>.jsonl`, is a file of JSON lines: one that names the task and the submission, and
one per block, in order. The record holds a digest of each episode's actions; so what is kept needs no trust.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rlbench.errors import HarnessError, UserError, counted
from rlbench.harness.play import actions_digest
from rlbench.harness.proof.findings import NOT_KEPT
from rlbench.harness.proof.resimulation import Actions
from rlbench.harness.results import record as records
from rlbench.harness.results.jsonl import BESIDE, JsonlWriter, as_object, whole_lines
from rlbench.harness.results.record import BlockResult, Record
from rlbench.regular_files import read_regular

SCHEMA = 1
SUFFIX = ".actions"
MAX_BYTES = 1 << 30
"""Of a file, and of the actions in it."""

MAX_ARRAYS = 1 << 20
"""Of the actions in a file, which has one per episode and leaf of the action space."""

DTYPES = ("<i8", "<f4", "<f8")


def path_of(record: Path) -> Path:
    """Where the actions of a record are kept."""
    return record.with_suffix(SUFFIX)


class ActionsWriter:
    """The only writer of one record's kept actions; a context. It goes on behind the blocks that are there.

    Args:
        path: Of the record.
        header: Of the record.

    Raises:
        UserError: The file cannot be written.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._head = {"kind": "actions", "schema": SCHEMA, "task": header["task"], "digest": header["digest"]}
        self._file = JsonlWriter(path_of(path), hint=BESIDE)
        self.blocks = 0
        try:
            self._begin()
        except BaseException:  # so that no empty file is left
            self._file.close()
            raise

    def _begin(self) -> None:
        """Cut off what is not of this record or not whole, or write the header of a new file."""
        size = 0
        for number, line in enumerate(self._file.path.read_bytes().splitlines(keepends=True)):
            content = as_object(line) if line.endswith(b"\n") else {}
            if content != self._head if number == 0 else content.get("block") != number - 1:
                break
            size, self.blocks = size + len(line), number
        self._file.cut(size)
        if not size:
            self._file.append([self._head], "no actions were kept yet")

    def cut(self, blocks: int) -> None:
        """Keep the actions of no more than so many blocks."""
        lines = self._file.path.read_bytes().splitlines(keepends=True)
        self._file.cut(sum(map(len, lines[: blocks + 1])))
        self.blocks = min(self.blocks, blocks)

    def append(self, number: int, actions: Sequence[Actions]) -> None:
        """Keep the actions of a block's episodes; blocks that are there already are left as they are."""
        if number == self.blocks:
            safe = f"kept before, and safe: those of {counted(self.blocks, 'block')}"
            self._file.append([_line(number, actions)], safe)
            self.blocks += 1

    def __enter__(self) -> ActionsWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.blocks:  # a first line alone is of no use
            self._file.cut(0)
        self._file.close()


@contextmanager
def keeping(path: Path, blocks: int) -> Iterator[ActionsWriter]:
    """The writer of the actions of a record that goes on behind so many blocks; a context.

    Args:
        path: Of the record, whose header is there.
        blocks: How many it holds.

    Raises:
        UserError: The actions of a block that it holds were not kept.
    """
    run = records.read(path)
    if run is None:
        raise HarnessError(f"{path} has no header yet")
    with ActionsWriter(path, run.header) as writer:
        if writer.blocks < blocks:
            raise UserError(
                f"{path} was begun without --traces; go on without, then `rlbench verify --traces` keeps them"
            )
        writer.cut(blocks)
        yield writer


def read(record: Path) -> list[list[Actions]]:
    """The kept actions of a record, by block and episode; none where there is no such file.

    Raises:
        UserError: The file cannot be read, or is no file of actions.
    """
    path = path_of(record)
    try:
        data = read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    return parse(data, path)


def parse(data: bytes, path: Path) -> list[list[Actions]]:
    """Actions, by block and episode, from the bytes of their file; UserError where these are none."""
    head, *blocks = [as_object(line) for line in whole_lines(data, path)] or [{}]
    if head.get("kind") != "actions" or head.get("schema") != SCHEMA:
        raise UserError(f"{path} holds no actions of schema {SCHEMA}; move it away")
    room = Room(MAX_BYTES, MAX_ARRAYS)
    try:
        return [_actions(line, room) for line in blocks]
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, zlib.error):
        raise UserError(f"{path} is damaged; move it away") from None


def split(steps: Sequence[Actions], block: BlockResult) -> list[Actions]:
    """The actions of each episode of a block.

    Args:
        steps: Those of every step, as leaves [N, ...].
        block: What came of them.
    """
    leaves = [np.array(each) for each in zip(*steps, strict=True)]
    return [[leaf[: episode.length, i] for leaf in leaves] for i, episode in enumerate(block.episodes)]


class NotKeptError(UserError):
    """Nothing proves a record: actions lie beside it that are not its own, and its submission is not here."""


def not_kept(recorded: Mapping[int, Mapping[str, Any]], episodes: Sequence[Actions]) -> dict[int, list[str]]:
    """Episodes of a block whose kept actions are not those of the record, by the digest that it has of them.

    Args:
        recorded: The block's episodes in the record, by index.
        episodes: The actions that are kept.
    """
    if len(episodes) != len(recorded):
        return {min(recorded): [f"actions of {len(episodes)} episodes are kept, the block has {len(recorded)}"]}
    return {
        index: [NOT_KEPT]
        for (index, line), actions in zip(recorded.items(), episodes, strict=True)
        if actions_digest(actions) != line["actions"]
    }


def other_lengths(recorded: Mapping[int, Mapping[str, Any]], episodes: Sequence[Actions]) -> dict[int, list[str]]:
    """Episodes of a block that have not as many steps in the record as actions; arguments as of `not_kept`."""
    return {
        index: [f"length {line['length']}, and {counted(len(actions[0]), 'action')} of it are kept"]
        for (index, line), actions in zip(recorded.items(), episodes, strict=True)
        if actions and len(actions[0]) != line["length"]
    }


def not_of(run: Record, blocks: Sequence[Sequence[Actions]]) -> str | None:
    """Why kept actions are not those of a record, whose digests tell; None where they are.

    Args:
        run: The record.
        blocks: The actions that are kept, by block and episode; those of later blocks may be missing.
    """
    if not blocks or len(blocks) > len(run.blocks):
        return f"actions of {counted(len(blocks), 'block')} are kept, the record has {len(run.blocks)}"
    for number, episodes in enumerate(blocks):
        recorded = {line["index"]: line for line in run.episodes if line["block"] == number}
        for index, words in not_kept(recorded, episodes).items():
            return f"episode {index}: {words[0]}"
    return None


def _line(number: int, actions: Sequence[Actions]) -> dict[str, Any]:
    first = next((episode for episode in actions if episode), [])
    columns = [np.concatenate([episode[i] for episode in actions]) for i in range(len(first))]
    dtypes = [column.dtype.newbyteorder("<") for column in columns]
    data = b"".join(column.astype(dtype).tobytes() for column, dtype in zip(columns, dtypes, strict=True))
    return {
        "kind": "block",
        "block": number,
        "lengths": [len(episode[0]) if episode else 0 for episode in actions],
        "leaves": [
            {"dtype": dtype.str, "shape": list(column.shape[1:])} for column, dtype in zip(columns, dtypes, strict=True)
        ],
        "data": base64.b64encode(zlib.compress(data, 9)).decode(),
    }


@dataclass
class Room:
    """How much the actions of one file may still take in memory: zeros are kept in a thousandth of their size."""

    size: int  # in bytes
    arrays: int

    def take(self, size: int, arrays: int) -> None:
        """Take some of it; ValueError where there is not enough."""
        self.size, self.arrays = self.size - size, self.arrays - arrays
        if size < 0 or min(self.size, self.arrays) < 0:
            raise ValueError(size)


def _actions(line: dict[str, Any], room: Room) -> list[Actions]:
    """The inverse of `_line`; ValueError where they are none, or too many."""
    lengths = [int(length) for length in line["lengths"]]
    dtypes = [np.dtype(DTYPES[DTYPES.index(leaf["dtype"])]) for leaf in line["leaves"]]
    leaves = [(dtype, tuple(map(int, leaf["shape"]))) for dtype, leaf in zip(dtypes, line["leaves"], strict=True)]
    sizes = [dtype.itemsize * math.prod(shape) for dtype, shape in leaves]
    total = sum(lengths) * sum(sizes)
    if min([0, *lengths, *sizes]) < 0:
        raise ValueError(total)
    room.take(total, len(lengths) * (1 + len(leaves)))
    data = zlib.decompressobj().decompress(base64.b64decode(line["data"]), total + 1)
    if len(data) != total:
        raise ValueError(total)
    made: list[Actions] = [[] for _ in lengths]
    at = 0
    for (dtype, shape), size in zip(leaves, sizes, strict=True):
        for episode, length in zip(made, lengths, strict=True):
            episode.append(np.frombuffer(data, dtype, length * math.prod(shape), at).reshape(length, *shape))
            at += length * size
    return made
