"""Verification: plays the blocks of a record again and compares the episodes with it, field by field.

The findings are written to `<record>.verify.jsonl`: a first line that names the record and the machine, and one line
per block. A verification that was interrupted continues after its last block; it starts again if the record, the
packages or the machine are others.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlbench.errors import LackingError, UserError, counted
from rlbench.harness.blocks import play_isolated
from rlbench.harness.evaluate import without_spent_time
from rlbench.harness.isolation.private_copy import private_copy
from rlbench.harness.results import provenance, record
from rlbench.harness.results.header import check_header
from rlbench.harness.results.jsonl import JsonlWriter, as_object
from rlbench.harness.results.record import BlockResult, Record
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.progress import progress

SCHEMA = 2
"""The version of the lines below."""


@dataclass
class Verification:
    """Findings so far."""

    blocks: int = 0
    episodes: int = 0
    different: dict[int, list[str]] = field(default_factory=dict)
    """Differences by the index of the episode."""

    lacking: str | None = None
    """Why the blocks that follow could not be played, where a program is not installed here."""

    def add(self, line: dict[str, Any]) -> None:
        """Add the line of one block."""
        self.blocks += 1
        self.episodes += line["episodes"]
        self.different |= {int(index): fields for index, fields in line["different"].items()}


def path_of(path: Path) -> Path:
    """Path of the verification of a record."""
    return path.with_suffix(record.VERIFICATION)


def verify(
    path: Path, task: Task, entrant: Submission, blocks: int | None = None, *, quiet: bool = False
) -> Verification:
    """Play a record again and compare.

    Args:
        path: The record.
        task: The task that it is of.
        entrant: The submission that it is of.
        blocks: Number of blocks to play, from the first; None for all.
        quiet: Whether to show no progress.

    Returns:
        The findings, those of an interrupted verification included. They end before the task's supplement where that
        needs a program which is not installed.

    Raises:
        UserError: The record is empty, or not of this task, submission and dynamics.
    """
    run = record.read(path)
    if run is None or not run.blocks:
        raise UserError(f"{path} has no block that could be played again")
    check_header(run.header, task, entrant, path, "the two cannot be compared")
    last = len(run.blocks) if blocks is None else min(blocks, len(run.blocks))
    with (
        findings_writer(path) as writer,
        private_copy(entrant) as entrant,
        progress(f"{entrant.name} on {task.key}", quiet=quiet) as show,
    ):
        found = begin(writer, header(path, run, entrant)) if writer else Verification()
        for number in range(found.blocks, last):
            show(number / last, found.episodes, "episodes")
            try:
                line = compared(run, _played_again(run, task, entrant, number))
            except LackingError as error:
                if not task.is_supplement(number):
                    raise
                found.lacking = str(error)
                break
            if writer:
                safe = f"compared before, and safe: {counted(found.blocks, 'block')}; run again to go on"
                writer.append([line], safe)
            found.add(line)
    return found


def _played_again(run: Record, task: Task, entrant: Submission, number: int) -> BlockResult:
    """A block of a record, played again; a UserError where the agent, which could be loaded then, cannot be now."""
    again = play_isolated(without_spent_time(task, run.blocks[:number]), entrant, number)
    if (again.fault or "").startswith("load_error") and not (run.blocks[number]["fault"] or "").startswith(
        "load_error"
    ):
        raise UserError(f"{entrant.folder} cannot be loaded here, so nothing is compared: {again.fault}")
    return again


def findings_writer(path: Path) -> AbstractContextManager[JsonlWriter | None]:
    """The writer of the findings about a record; None in a folder that may only be read, where none are kept."""
    writable = os.access(path.parent, os.W_OK)
    return JsonlWriter(path_of(path)) if writable else nullcontext()


def compared(run: Record, again: BlockResult) -> dict[str, Any]:
    """The line of a block: the differences between the record and the block played again."""
    recorded = {line["index"]: line for line in run.episodes}
    different = {e.index: fields for e in again.episodes if (fields := e.differences(recorded.get(e.index, {})))}
    return {"kind": "block", "block": again.number, "episodes": len(again.episodes), "different": different}


def header(path: Path, run: Record, entrant: Submission) -> dict[str, Any]:
    """The first line of a verification: the hash of the record, versions and hardware."""
    committed = path.read_bytes()[: run.size]
    return {
        "kind": "verification",
        "schema": SCHEMA,
        "record": hashlib.sha256(committed).hexdigest(),
        "digest": run.header["digest"],
        **({"player": entrant.player} if entrant.player else {}),
        **provenance.machine(),
    }


def begin(writer: JsonlWriter, mine: dict[str, Any]) -> Verification:
    """Findings of an interrupted verification with the header `mine`; without one, write the header and start."""
    found = Verification()
    *whole, _ = writer.path.read_bytes().split(b"\n")  # the last has no newline: empty, or torn
    if whole and as_object(whole[0]) == mine:
        size = len(whole[0]) + 1
        for text in whole[1:]:
            line = as_object(text)
            if line.get("block") != found.blocks or not {"episodes", "different"} <= line.keys():
                break
            found.add(line)
            size += len(text) + 1
        writer.cut(size)
        return found
    writer.cut(0)
    writer.append([mine], "nothing was compared yet")
    return found
