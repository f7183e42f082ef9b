"""Findings of `verify`, `<record>.verify.jsonl`: a line that names record and machine, and a line per block.

Every line is sealed with a key that only this user has on this machine: what anybody else has written, with an editor
or by a verification of their own, is neither continued nor believed. Whoever doubts a record verifies it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from rlbench import arithmetic
from rlbench.errors import counted
from rlbench.harness.results import provenance, record
from rlbench.harness.results.jsonl import BESIDE, JsonlWriter, as_line, as_object
from rlbench.harness.results.record import Record
from rlbench.process.imports import import_library
from rlbench.regular_files import read_regular

SCHEMA = 3
"""The version of the lines below."""

MAX_BYTES = 1 << 28
KEY_BYTES = 32
NOT_KEPT = "the kept actions are not those of the record"

State = Literal["verified", "re-run", "different", "self-reported"]


@dataclass
class Verification:
    """Findings so far."""

    blocks: int = 0
    episodes: int = 0
    different: dict[int, list[str]] = field(default_factory=dict)
    """What came out otherwise when the submission played again, by episode."""

    unsound: dict[int, list[str]] = field(default_factory=dict)
    """What came out otherwise when the actions were re-simulated, by episode."""

    returns: list[float] = field(default_factory=list)
    """Those of the episodes that the submission played again, in order; none where only kept actions were simulated."""

    lacking: str | None = None
    """Why the blocks that follow could not be played, where a program is not installed here."""

    def add(self, line: Mapping[str, Any]) -> None:
        """Add the line of one block."""
        self.blocks += 1
        self.episodes += line["episodes"]
        self.returns += line["returns"]
        self.different |= {int(index): words for index, words in line["different"].items()}
        self.unsound |= {int(index): words for index, words in line["unsound"].items()}


class Difference(NamedTuple):
    """The mean return of episodes played again, less that of the same ones in a record, and its interval."""

    mean: float
    low: float
    high: float

    @property
    def within_chance(self) -> bool:
        """Whether 0, no difference, is in the interval."""
        return self.low <= 0 <= self.high


def state(run: Record, found: Verification) -> State:
    """What is known of a record by findings about it.

    `verified` where every block came out the same; `re-run` where some did and no other was compared, or where numbers
    differ by no more than chance on a machine with another arithmetic.
    """
    if found.unsound or (found.different and not excused(run, found)):
        return "different"
    if found.different or 0 < found.blocks < len(run.blocks):
        return "re-run"
    return "verified" if found.blocks else "self-reported"


def excused(run: Record, found: Verification) -> bool:
    """Whether differences can be those of another arithmetic: there is one, and mean returns differ by chance."""
    return not has_same_arithmetic(run.header) and difference(run, found).within_chance


def has_same_arithmetic(header: Mapping[str, Any]) -> bool:
    """Whether a record's numbers should come out the same here, bit for bit."""
    here = arithmetic.describe()
    pinned = here["name"] == arithmetic.PINNED
    return header.get("arithmetic") == here and (pinned or header.get("cpu") == provenance.cpu())


def difference(run: Record, found: Verification) -> Difference:
    """How far mean returns differ, with Welch's 95 % interval: episodes under two arithmetics soon go separate ways."""
    now, before = (np.array(each) for each in (found.returns, [e["return"] for e in run.episodes[: found.episodes]]))
    mean = float(now.mean() - before.mean())
    if len(now) < 2 or now.std() + before.std() == 0:
        return Difference(mean, mean, mean)
    stats = import_library("scipy.stats")
    interval = stats.ttest_ind(now, before, equal_var=False).confidence_interval(0.95)
    return Difference(mean, float(interval.low), float(interval.high))


def path_of(path: Path) -> Path:
    """Path of the findings about a record."""
    return path.with_suffix(record.VERIFICATION)


def header(path: Path, run: Record, played: bool) -> dict[str, Any]:
    """The first line of findings: the hash of the record, its task and submission, versions and hardware.

    Args:
        path: The record.
        run: Its contents.
        played: Whether its submission plays again.
    """
    return {
        "kind": "verification",
        "schema": SCHEMA,
        "record": digest(path, run),
        "played": played,
        **{name: run.header[name] for name in ("task_hash", "digest", "player")},
        **provenance.machine(),
    }


def digest(path: Path, run: Record) -> str:
    """Sha256 of the committed bytes of a record."""
    return hashlib.sha256(record.read_bytes(path)[: run.size]).hexdigest()


class Findings:
    """The findings about one record, to be continued; a context. None are kept in a folder that may only be read.

    Args:
        path: The record.
        mine: The header of these findings. Those with another, or without this user's seal, are begun anew.
        most: How many blocks of earlier findings are continued at most; None for all.
    """

    def __init__(self, path: Path, mine: Mapping[str, Any], most: int | None = None) -> None:
        self.found, self._key, self._seal = Verification(), key(), ""
        kept = self._key is not None and os.access(path.parent, os.W_OK)
        self._file = JsonlWriter(path_of(path), "verification", BESIDE) if kept else None
        if self._file is not None:
            try:
                self._begin(self._file, mine, most)
            except BaseException:  # so that no empty file is left
                self._file.close()
                raise

    def _begin(self, file: JsonlWriter, mine: Mapping[str, Any], most: int | None) -> None:
        """Cut off what is not true any more, or write the header of new findings."""
        lines = sealed(read_regular(file.path, MAX_BYTES), self._key) if file.length() <= MAX_BYTES else []
        kept = self._continued(lines if most is None else lines[: most + 1], mine)
        file.cut(sum(length for _, length in kept))
        if not kept:
            self._append(mine, "nothing was compared yet")

    def _continued(self, lines: Sequence[tuple[dict[str, Any], int]], mine: Mapping[str, Any]) -> list[tuple[Any, int]]:
        """The lines that go on being true."""
        kept: list[tuple[Any, int]] = []
        for line, length in lines:
            if not kept:
                if {**line, "seal": ""} != {**mine, "seal": ""}:
                    break
            elif line.get("block") != self.found.blocks:
                break
            else:
                self.found.add(line)
            kept.append((line, length))
            self._seal = line["seal"]
        return kept

    def add(self, line: Mapping[str, Any]) -> None:
        """Keep the line of one block."""
        self._append(line, f"compared before, and safe: {counted(self.found.blocks, 'block')}; run again to go on")
        self.found.add(line)

    def _append(self, line: Mapping[str, Any], safe: str) -> None:
        if self._file is not None:
            self._seal = seal(line, self._seal, self._key or b"")
            self._file.append([{**line, "seal": self._seal}], safe)

    def __enter__(self) -> Findings:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            if not self.found.blocks:  # a first line alone is of no use
                self._file.cut(0)
            self._file.close()


def read(path: Path, run: Record) -> Verification:
    """What this user's `verify` has found out here about a record as it is now; no blocks where it has nothing."""
    found = Verification()
    for line in lines_about(path, run)[1:]:
        found.add(line)
    return found


def lines_about(path: Path, run: Record) -> list[dict[str, Any]]:
    """The lines of this user's findings about a record as it is now, their header first; none where there are none."""
    try:
        lines = [line for line, _ in sealed(read_regular(path_of(path), MAX_BYTES), key())]
    except OSError:
        return []
    return lines if lines and lines[0].get("record") == digest(path, run) else []


def sealed(data: bytes, by: bytes | None) -> list[tuple[dict[str, Any], int]]:
    """The lines of findings up to the first that this user's `verify` has not written, each with its bytes."""
    lines: list[tuple[dict[str, Any], int]] = []
    before = ""
    for text in _each_line(data) if by else ():
        line = as_object(text)
        told = str(line.pop("seal", ""))
        if not hmac.compare_digest(told.encode(), seal(line, before, by or b"").encode()):
            break
        if [NOT_KEPT] in line.get("unsound", {}).values():  # of an earlier version, for which others' actions decided
            break
        before = told
        lines.append(({**line, "seal": told}, len(text) + 1))
    return lines


def _each_line(data: bytes) -> Iterator[bytes]:
    """The lines that have their newline, without it; one after the other, as a stranger's file may have any number."""
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start:end]
        start = end + 1


def seal(line: Mapping[str, Any], before: str, by: bytes) -> str:
    """The seal of a line: HMAC-SHA256 of the seal before and of the line."""
    return hmac.digest(by, before.encode() + as_line(line), "sha256").hex()


def key() -> bytes | None:
    """This user's key on this machine, made when it is first needed; None where none can be kept."""
    if not hasattr(os, "getuid"):  # Windows does not say whose a file is, and nothing is verified there
        return None
    home = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    path = Path(home, "rlbench", "verify.key")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
    with suppress(OSError):
        found = read_regular(path, KEY_BYTES)
        return found if len(found) == KEY_BYTES and path.stat().st_uid == os.getuid() else None
    return None
