"""What words of the command line stand for: environments, their arguments, and submissions on this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import rlbench
from rlbench.errors import UserError, unknown
from rlbench.harness import contents, submission
from rlbench.harness.submission import Submission
from rlbench.interact.episode import short_name

LOCAL_SUBMISSIONS = ("baselines/pretrained/*/*", "runs/*/training/*/*/submission", "runs/train/*/*/submission")
"""Folders of submissions, below the working directory and below this checkout."""


def find_id(name: str, known: Iterable[str] | None = None) -> str:
    """The registered id that a name stands for.

    Args:
        name: an id, with or without namespace and version, in upper or lower case; without a version, the newest.
        known: ids to search; those of rlbench by default.

    Raises:
        UserError: there is no such id; it names the nearest ones.
    """
    ids = sorted(known or (each.id for each in rlbench.ENVIRONMENTS), key=_version)
    found = [each for each in ids if name.lower() in _spellings(each)]
    if not found:
        raise unknown("environment", name, {short_name(each) for each in ids})
    return found[-1]


def env_kwargs(pairs: Sequence[str]) -> dict[str, Any]:
    """Arguments of an environment from words `name=value`; values are JSON, or else text."""
    made = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise UserError(f"--set takes name=value, got {pair!r}")
        try:
            made[name] = json.loads(text)
        except ValueError:
            made[name] = text
    return made


def submission_of(header: Mapping[str, Any], path: Path, given: Path | None = None) -> Submission:
    """The submission that a record is of.

    Args:
        header: first line of the record.
        path: file of the record, for messages.
        given: folder of the submission; by default the local submission with the record's digest.

    Raises:
        UserError: no local submission has that digest, or the given one has another.
    """
    if given is not None:
        entrant = submission.read(str(given))
        if entrant.digest != header["digest"]:
            raise UserError(f"{given} has digest {entrant.digest[:12]}, {path} is of {header['digest'][:12]}")
        return entrant
    for folder in _local_submissions(str(header["agent"])):
        if contents.digest(folder) == header["digest"]:
            return submission.read(folder)
    raise UserError(
        f"no submission with digest {header['digest'][:12]} under baselines/pretrained or runs; "
        f"give the folder of {header['agent']} {header['version']} with --submission"
    )


def _local_submissions(agent: str) -> Iterator[Path]:
    """Folders that may hold a submission of that name."""
    if agent in submission.builtins():
        yield submission.BUILTIN / agent
    for root in dict.fromkeys((Path(), Path(__file__).resolve().parents[3])):
        for pattern in LOCAL_SUBMISSIONS:
            yield from sorted(p for p in root.glob(pattern) if agent in p.as_posix() and p.is_dir())


def _spellings(env_id: str) -> set[str]:
    """The names that an id answers to, in lower case."""
    without_namespace = env_id.rpartition("/")[2].lower()
    return {env_id.lower(), env_id.lower().rpartition("-v")[0], without_namespace, short_name(env_id).lower()}


def _version(env_id: str) -> int:
    """The version of an id, 0 when it has none."""
    return int(env_id.rpartition("-v")[2]) if re.search(r"-v\d+$", env_id) else 0
