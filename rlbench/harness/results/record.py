"""Records: one run, of one agent digest on one task version, is one file of JSON lines that only ever grows.

    header    task, agent, owner, dynamics, versions and machine; the schema
    episode   one per episode, in order
    block     timings; commits the episodes before it
    footer    the run is complete
    lacking   instead of a footer: the episodes that the machine could not play, for want of a program

`record.schema.json` says which fields each has. Every line but the first carries the digest of the line before as
`previous`; but for that, two runs of the same agent and task have equal episodes.

Lines behind the last block line were never committed: a writer cuts them off, a reader ignores all but `lacking`.
Behind a footer there is nothing: a record with more is damaged.
Means, intervals and scores are never stored; they are computed from the episodes.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlbench.errors import UserError, counted
from rlbench.harness.results.header import check_first_line, check_header, is_torn
from rlbench.harness.results.jsonl import MAX_FIRST_LINE, as_object, broken, kind_of, line_digest, whole_lines
from rlbench.harness.results.schema import violation
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.regular_files import open_regular, read_regular

if TYPE_CHECKING:
    import pandas

_STRINGS = ("task", "agent", "version", "owner", "digest", "contents", "dynamics", "status", "actions")
_INTEGERS = ("training_seed", "training_steps", "episode", "seed", "length", "block")
_FLOATS = ("return", "discounted_return")
_LINE_NAMES = {"return_": "return"}
_FLAGS = ("terminated", "truncated", "complete", "walled")


@dataclass(frozen=True)
class EpisodeResult:
    """One scored episode."""

    index: int
    seed: int
    return_: float
    """Undiscounted. This and `discounted_return` are the task's `failure_return` where `status` is not ok."""

    discounted_return: float
    length: int
    """Steps taken."""

    terminated: bool
    truncated: bool
    status: str
    """One of `agent.STATUSES`."""

    actions: str
    """The start of the sha256 over the actions taken."""

    extra: Mapping[str, Any]
    """Reset options of this episode (start, opponent, colour)."""

    def line(self) -> dict[str, Any]:
        """The episode as it is written."""
        return {"kind": "episode"} | {_LINE_NAMES.get(name, name): value for name, value in vars(self).items()}

    def differences(self, line: Mapping[str, Any]) -> list[str]:
        """Where this episode, played again, differs from its line in a record: `name before, now after`."""
        return [f"{name} {line.get(name)!r}, now {now!r}" for name, now in self.line().items() if line.get(name) != now]


@dataclass(frozen=True)
class BlockResult:
    """The episodes of one block, and what differs from run to run: timings in seconds, and retries."""

    number: int
    episodes: list[EpisodeResult]
    seconds: float
    load_seconds: float
    act_seconds: float
    attempt: int
    fault: str | None
    """The agent's first fault, for its author."""

    def line(self) -> dict[str, Any]:
        """The line that commits the block."""
        fields = {name: value for name, value in vars(self).items() if name not in ("number", "episodes")}
        rounded = {k: round(v, 6) if isinstance(v, float) else v for k, v in fields.items()}
        return {"kind": "block", "block": self.number, **rounded}


@dataclass(frozen=True)
class Record:
    """The committed part of one file."""

    header: Mapping[str, Any]
    episodes: list[dict[str, Any]]
    """Episode lines, each with the number of its block added as `block`."""

    blocks: list[dict[str, Any]]
    complete: bool
    size: int
    """Number of committed bytes."""

    last: str
    """Digest of the last committed line, which the next one carries."""

    walled: bool = True
    """Whether the agent was kept apart so that the run may be ranked."""

    lacking: str | None = None
    """Why episodes are missing, where a program was not installed."""


def path_of(results_dir: str | Path, task: Task, entrant: Submission) -> Path:
    """Path of the record of a run."""
    folder, name = place({"task": task.key, "agent": entrant.name, "digest": entrant.digest})
    return Path(results_dir) / folder / name


def place(header: Mapping[str, Any]) -> tuple[str, str]:
    """Folder, below the results, and name of the file that holds the record with a header."""
    return header["task"], f"{header['agent']}@{header['digest'][:12]}.jsonl"


def read(path: Path) -> Record | None:
    """The committed part of a record; None where there is no file, or not even a header.

    Raises UserError where the file cannot be read, is no record, or is damaged.
    """
    return parse(read_bytes(path), path)


def read_header(path: Path) -> Mapping[str, Any] | None:
    """The first line of a record alone; None where there is no file, or not even a header. Errors as of `read`."""
    try:
        with open_regular(path) as file:
            line = file.readline(MAX_FIRST_LINE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    held = parse(line, path)
    return held.header if held else None


def begun(path: Path) -> Record | None:
    """The committed part of a record that has a block; None where a run is still to begin. Errors as of `read`.

    A header alone is what a process leaves that was killed during its first block, with the versions that it had.
    """
    held = read(path)
    return held if held is not None and held.blocks else None


def read_bytes(path: Path) -> bytes:
    """The content of a record's file, empty where there is none; UserError where it cannot be read."""
    try:
        return read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        return b""
    except PermissionError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; ask its owner") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; move it away") from None


MAX_BYTES = 1 << 28
"""Of a record, a hundred times as many as the largest."""

NAME = r".+@[0-9a-f]{12}\.jsonl"
"""Names of records."""

VERIFICATION = ".verify.jsonl"
"""End of the name of what `verify` found, which lies beside a record."""


def find(folder: Path, pattern: str = "*/*.jsonl", *, named: bool = False) -> list[Path]:
    """The records below a folder; findings of `verify`, traces, learning curves and all that is hidden are left out.

    Args:
        folder: The folder of results.
        pattern: Which files, as `Path.glob` takes it.
        named: Whether those are told, too, that have the name of a record and the first line of something else.
    """
    return sorted(path for path in _shown(folder, pattern) if _may_be_record(path, named=named))


def candidates(folder: Path) -> list[Path]:
    """What is a record below a folder of results, or claims to be by its place and name, whatever it is.

    Links, pipes and folders among the records are told, too, links in the place of folders, those that are named as
    what `verify` writes, and folders in which nothing can be seen.
    """
    shown = _shown(folder, "*/*.jsonl")
    found = [path for path in shown if not stat.S_ISREG(path.lstat().st_mode) or _may_be_record(path, named=True)]
    return sorted([*found, *closed_folders(folder), *linked_folders(folder)])


def _shown(folder: Path, pattern: str) -> Iterator[Path]:
    """The files below a folder that match a pattern, in folders that are neither hidden nor closed nor links."""
    return (
        path
        for path in folder.glob(pattern)
        if not is_hidden(path, folder)
        and os.access(path.parent, os.X_OK)
        and (path.parent == folder or not path.parent.is_symlink())
    )


def closed_folders(folder: Path) -> list[Path]:
    """The folders in a folder of results in which this user can see nothing; what they hold is not known.

    Raises:
        UserError: It is the folder itself.
    """
    try:
        there = [path for path in folder.iterdir() if path.is_dir() and not is_hidden(path, folder)]
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}; ask its owner, or copy it") from None
    return sorted(path for path in there if not os.access(path, os.R_OK | os.X_OK))


def linked_folders(folder: Path) -> list[Path]:
    """The links to folders in a folder of results, which are not looked into: they may lead anywhere."""
    return [path for path in folder.iterdir() if path.is_symlink() and path.is_dir() and not is_hidden(path, folder)]


def is_hidden(path: Path, folder: Path) -> bool:
    """Whether a file below a folder is hidden, or lies in a hidden folder such as `.ipynb_checkpoints`."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _may_be_record(path: Path, *, named: bool) -> bool:
    """Whether a file is a record, or one that is damaged or closed: neither name nor first line says it is another.

    Where `named`, the name of a record suffices.
    """
    if path.name.endswith(VERIFICATION) or not path.is_file():
        return False
    if named and re.fullmatch(NAME, path.name):
        return True
    try:
        return kind_of(path) in ("record", None)
    except UserError:  # a link, or not for this user's eyes: whoever reads it is told
        return True


def is_complete(path: Path, task: Task, entrant: Submission) -> bool:
    """Whether a run has its footer; a UserError where the file is the record of something else."""
    record = begun(path)
    if record is not None:
        check_header(record.header, task, entrant, path)
    return record is not None and record.complete


def load(results_dir: str | Path) -> pandas.DataFrame:
    """Every committed episode under a folder of results, one row each, ordered by task, file and episode.

    The files may be growing meanwhile.

    Returns:
        Columns: task agent version owner digest contents dynamics (empty for none) training_seed training_steps (-1 for
        none) episode seed return discounted_return length terminated truncated status actions complete walled block,
        and one for every reset option, such as `state.row`.
    """
    folder = Path(results_dir)
    if not folder.is_dir():
        raise UserError(f"no folder of results at {folder}; `rlbench evaluate` makes one")
    records: dict[tuple[Any, ...], tuple[Path, Record]] = {}
    for path in find(folder):
        record = read(path)
        if record is None:
            continue
        run = tuple(record.header[name] for name in ("task", "agent", "digest"))
        other, _ = records.setdefault(run, (path, record))
        if other != path:
            raise UserError(f"{other} and {path} are records of the same run; remove one")
    return table([record for _, record in records.values()])


def table(records: Iterable[Record]) -> pandas.DataFrame:
    """The committed episodes of records, one row each, with the columns of `load`."""
    import pandas as pd

    rows = [row for record in records for row in _rows(record)]
    frame = pd.DataFrame(rows, columns=None if rows else [*_STRINGS, *_INTEGERS, *_FLOATS, *_FLAGS])
    kinds = {"str": _STRINGS, "int64": _INTEGERS, "float64": _FLOATS, "bool": _FLAGS}
    return frame.astype({name: kind for kind, names in kinds.items() for name in names})


def parse(data: bytes, path: Path) -> Record | None:
    """The committed part of a record from its bytes; None where there is not even a header. Errors as of `read`."""
    lines = whole_lines(data, path)
    if not lines and is_torn(data):
        return None
    parsed = [as_object(line) for line in lines]
    header = parsed[0] if parsed else {}
    check_first_line(header, path)
    walled = header["isolation"] != "process"
    ends = [i for i, line in enumerate(parsed) if line.get("kind") in ("block", "footer")]
    last = ends[-1] if ends else 0
    episodes: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []
    complete = False
    for i, line in enumerate(parsed[1 : last + 1], start=1):
        wrong = violation(line) or broken(line, lines[i - 1])
        line.pop("previous", None)  # without it, two runs of the same agent have equal episodes
        match {} if complete or wrong else line:  # nothing follows a footer
            case {"kind": "episode", "index": index} if index == len(episodes):
                episodes.append({**line, "block": len(blocks)})
            case {"kind": "block", "block": block} if block == len(blocks):
                blocks.append(line)
            case {"kind": "footer", "blocks": b, "episodes": e} if (b, e) == (len(blocks), len(episodes)):
                complete = True
            case _:
                what = f" ({wrong})" if line and wrong else ""
                raise UserError(
                    f"{path}, line {i + 1}: damaged before the last block{what}; restore it or move it away"
                )
    size = sum(len(line) + 1 for line in lines[: last + 1])
    if complete and len(data) > size:
        behind = counted(len(data) - size, "byte")
        raise UserError(f"{path}, line {last + 2}: damaged ({behind} behind its footer); restore it or move it away")
    end = line_digest(lines[last])
    return Record(header, episodes, blocks, complete, size, end, walled, _lacking(parsed[last + 1 :]))


def _lacking(lines: list[dict[str, Any]]) -> str | None:
    """The reason in the line behind the last block, where that says which episodes are missing."""
    if not lines or lines[0].get("kind") != "lacking" or violation(lines[0]):
        return None
    return str(lines[0]["reason"])


def _rows(record: Record) -> list[dict[str, Any]]:
    """The rows of one record."""
    header = record.header
    run = {name: header[name] for name in ("task", "agent", "version", "owner", "digest", "contents")}
    run["dynamics"] = header.get("dynamics") or ""
    for name in ("training_seed", "training_steps"):
        run[name] = -1 if header[name] is None else header[name]
    rows = []
    for line in record.episodes:
        fields = {name: value for name, value in line.items() if name not in ("kind", "index", "extra")}
        flags = {"complete": record.complete, "walled": record.walled}
        own = {**run, "episode": line["index"], **fields, **flags}
        rows.append({**_flat(line["extra"]), **own})
    return rows


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested options as one level, keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
