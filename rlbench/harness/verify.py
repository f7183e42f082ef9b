"""Verification: a record's blocks are played again, and what comes out is compared with it, line by line.

What was found stands in `<record>.verify.jsonl`, a header that says of which record and on which machine, and a line
per block. A verification that was interrupted goes on after its last block; one of another record, by other packages
or on another machine begins anew.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlbench.errors import UserError
from rlbench.harness.evaluate import play_isolated
from rlbench.harness.results import provenance, record
from rlbench.harness.results.jsonl import Lines
from rlbench.harness.results.record import Block, Record
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.progress import progress

SCHEMA = 1
"""The version of the lines below."""


@dataclass
class Verification:
    """What has been compared so far."""

    blocks: int = 0
    episodes: int = 0
    different: dict[int, list[str]] = field(default_factory=dict)
    """What differs, by the number of the episode."""

    def add(self, line: dict[str, Any]) -> None:
        """Count a block's line."""
        self.blocks += 1
        self.episodes += line["episodes"]
        self.different |= {int(index): said for index, said in line["different"].items()}


def path_of(path: Path) -> Path:
    """Where the verification of a record lies."""
    return path.with_suffix(".verify.jsonl")


def verify(
    path: Path, task: Task, entrant: Submission, blocks: int | None = None, *, quiet: bool = False
) -> Verification:
    """Play the first `blocks` blocks of a record again, or all, and say what differs.

    UserError where the record is not of this task, submission and dynamics.
    """
    run = record.read(path)
    if run is None or not run.blocks:
        raise UserError(f"{path} has no block that could be played again")
    record.check_header(run.header, task, entrant, path, "the two cannot be compared")
    last = len(run.blocks) if blocks is None else min(blocks, len(run.blocks))
    with Lines(path_of(path)) as lines, progress(f"{entrant.name} on {task.key}", quiet=quiet) as show:
        found = begin(lines, header(path, run))
        for number in range(found.blocks, last):
            show(number / last, found.episodes, "episodes")
            line = compared(run, play_isolated(task, entrant, number))
            lines.append([line], f"the {found.blocks} blocks compared before are safe; run again to go on")
            found.add(line)
    return found


def compared(run: Record, again: Block) -> dict[str, Any]:
    """The line of a block that was played again."""
    different = {e.index: said for e in again.episodes if (said := e.differences(run.episodes[e.index]))}
    return {"kind": "block", "block": again.number, "episodes": len(again.episodes), "different": different}


def header(path: Path, run: Record) -> dict[str, Any]:
    """The first line of a verification: the hash of what it is of, and with what it was made."""
    committed = path.read_bytes()[: run.size]
    return {
        "kind": "header",
        "schema": SCHEMA,
        "record": hashlib.sha256(committed).hexdigest(),
        "digest": run.header["digest"],
        **provenance.machine(),
    }


def begin(lines: Lines, mine: dict[str, Any]) -> Verification:
    """What a verification with this header has found already; the header is written where there is none like it."""
    found = Verification()
    *whole, _ = lines.path.read_bytes().split(b"\n")  # the last has no newline: empty, or torn
    if whole and record.as_object(whole[0]) == mine:
        size = len(whole[0]) + 1
        for text in whole[1:]:
            line = record.as_object(text)
            if line.get("block") != found.blocks:
                break
            found.add(line)
            size += len(text) + 1
        lines.cut(size)
        return found
    lines.cut(0)
    lines.append([mine], "nothing was compared yet")
    return found
