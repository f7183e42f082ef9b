"""Submissions that are kept in this checkout, found by their digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.submission import Submission

KEPT = ("baselines/pretrained/*/*", "runs/*/training/*/*/submission", "runs/train/*/*/submission")
"""Where submissions are looked for."""


def submission_of(header: Mapping[str, Any], path: Path, given: Path | None = None) -> Submission:
    """The submission that the record at `path` is of: the `given` one, or whichever has its digest."""
    if given is not None:
        entrant = submission.read(str(given))
        if entrant.digest != header["digest"]:
            raise UserError(f"{given} has digest {entrant.digest[:12]}, {path} is of {header['digest'][:12]}")
        return entrant
    for folder in candidates(str(header["agent"])):
        if submission.digest(folder) == header["digest"]:
            return submission.read(folder)
    raise UserError(
        f"no submission with digest {header['digest'][:12]} under baselines/pretrained or runs; "
        f"give the folder of {header['agent']} {header['version']} with --submission"
    )


def candidates(agent: str) -> Iterator[Path]:
    """Folders that may hold a submission of that name."""
    if agent in submission.builtins():
        yield submission.BUILTIN / agent
    for root in dict.fromkeys((Path(), Path(__file__).resolve().parents[3])):
        for pattern in KEPT:
            yield from sorted(p for p in root.glob(pattern) if agent in p.as_posix() and p.is_dir())
