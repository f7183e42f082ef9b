"""Places of records, `<task>/<agent>@<digest>.jsonl` below a folder of results, and files that lie elsewhere in it."""

from __future__ import annotations

import re
from pathlib import Path

from rlbench.errors import printable
from rlbench.harness.results import record

TASK = r".+@[0-9]+"
"""Names of folders that hold the records of a task."""

DEEPER = ("*.jsonl", "*/*/**/*.jsonl")
"""Where no record belongs: in the folder of results itself, and below the folders of tasks."""


def misplaced(run: record.Record, path: Path) -> str | None:
    """Why a file does not lie where the record that it holds belongs; None where it does."""
    path = path.absolute()  # a name alone has no folder
    folder, name = record.place(run.header)
    if (path.parent.name, path.name) != (folder, name):
        return f"it holds {printable(folder)}/{printable(name)}; give it that name, or remove the copy"
    above = [each.name for each in path.parents[1:3]]
    if any(re.fullmatch(TASK, each) for each in above):
        return "it lies within the folder of a task; move it to a folder of results, or remove the copy"
    return None


def strays(results: Path) -> list[tuple[Path, str]]:
    """The records in a folder of results that lie in no folder of a task, or below one, with reasons."""
    found = sorted({path for pattern in DEEPER for path in record.find(results, pattern)})
    return [(path, "it does not lie in the folder of a task; move it there, or remove it") for path in found]
