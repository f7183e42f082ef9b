"""The header of a record: whose run it is, of what, in which tier of isolation, and with what it was made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlbench import arithmetic
from rlbench.errors import UserError, printable, shortened
from rlbench.harness.results import provenance
from rlbench.harness.results.schema import SCHEMA, violation
from rlbench.harness.submission import Submission
from rlbench.harness.tasks import fingerprint
from rlbench.harness.tasks.task import Task

SANDBOX = 1
"""Version of what the tiers of isolation are."""


LEFT_OUT = ("training_device", "training_precision")
"""Fields that a header does not have where the manifest does not."""


def new_header(task: Task, entrant: Submission, isolation: str) -> dict[str, Any]:
    """The first line of a new record.

    Args:
        task: What is played.
        entrant: Who plays.
        isolation: The tier in which the agent runs.
    """
    return {
        "kind": "header",
        "schema": SCHEMA,
        **identity(task, entrant),
        **{name: value for name, value in claims(entrant).items() if value is not None or name not in LEFT_OUT},
        "isolation": isolation,
        "sandbox": SANDBOX,
        "player": entrant.player,
        "arithmetic": arithmetic.describe(),
        **provenance.machine(),
    }


def claims(entrant: Submission) -> dict[str, Any]:
    """Header fields that say of a submission what its files say, beside its identity."""
    names = ("owner", "contact", "contents", "training_seed", "training_steps", *LEFT_OUT)
    return {name: getattr(entrant, name) for name in names}


def identity(task: Task, entrant: Submission) -> dict[str, Any]:
    """Header fields that say what a record is of: task, agent, dynamics and, by their secret, the episodes."""
    return {
        "task": task.key,
        "task_hash": task.hash,
        "agent": entrant.name,
        "version": entrant.version,
        "digest": entrant.digest,
        **episodes_of(task),
    }


def episodes_of(task: Task) -> dict[str, Any]:
    """Header fields that say which episodes of a task are played, beside its name and hash."""
    return {"dynamics": fingerprint.fingerprint(task), "secret": task.secret_hash}


def check_header(
    header: Mapping[str, Any], task: Task, entrant: Submission, path: Path, remedy: str = "move it away"
) -> None:
    """Raise UserError where a record is not of this task and this submission.

    Args:
        header: First line of the record.
        task: The task that it must be of.
        entrant: The submission that it must be of.
        path: Path of the record, for the message.
        remedy: What to do, for the message.
    """
    _check_same(header, identity(task, entrant), path, remedy)


def check_task(header: Mapping[str, Any], task: Task, path: Path, remedy: str) -> None:
    """Raise UserError where a record is not of this task; arguments as of `check_header`."""
    _check_same(header, {"task": task.key, "task_hash": task.hash, **episodes_of(task)}, path, remedy)


def _check_same(header: Mapping[str, Any], expected: Mapping[str, Any], path: Path, remedy: str) -> None:
    for name, value in expected.items():
        if header.get(name) != value:
            changed = "before its task was changed, which takes a new version, " if name == "task_hash" else ""
            raise UserError(f"{path} was made {changed}with {name} {header.get(name)}, now it is {value}; {remedy}")


def check_claims(header: Mapping[str, Any], entrant: Submission, path: Path) -> None:
    """Raise UserError where a record says other things of its submission than the submission does.

    Its digest covers all of them, so they can only have been changed in the record.
    """
    for name, value in claims(entrant).items():
        if (said := header.get(name)) != value:
            raise UserError(
                f"{path} says {name} {shortened(said)}, and its submission {shortened(value)}; move it away"
            )


def is_torn(data: bytes) -> bool:
    """Whether bytes without a newline are the start of a header and nothing else."""
    start = b'{"kind": "header", "schema": '
    return data[: len(start)] == start[: len(data)] and data.rfind(b'{"kind": ') <= 0


def maker(header: Mapping[str, Any]) -> str:
    """Which version of rlbench made a record, for a message; empty where the header of another schema does not tell."""
    packages = header.get("packages")
    version = packages.get("rlbench") if isinstance(packages, Mapping) else None
    return f" of rlbench {printable(version)[:40]}" if isinstance(version, str) else ""


def check_first_line(header: Mapping[str, Any], path: Path) -> None:
    """Raise UserError where the first line of a file is not the header of a record that this rlbench reads."""
    if header.get("kind") != "header":
        raise UserError(f"{path} is not a record of results: it does not begin with a header; move it away")
    if (found := header.get("schema")) != SCHEMA:
        told = f"{path} has schema {str(found)[:40]}{maker(header)}, this rlbench reads and writes {SCHEMA}"
        older = type(found) is int and found < SCHEMA
        raise UserError(f"{told}; move it away{', and evaluate again' if older else ''}")
    if wrong := violation(header):
        raise UserError(f"{path} is not a record of results: its header is not one of a record, {wrong}; move it away")
