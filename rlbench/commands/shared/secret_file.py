"""The file with a grader's secret, from which the seeds of episodes are drawn."""

from __future__ import annotations

from pathlib import Path

from rlbench.errors import UserError
from rlbench.harness.tasks.secret import MIN_BYTES
from rlbench.regular_files import read_regular

MAX_BYTES = 1 << 20


def read(file: Path) -> bytes:
    """The secret in a file, every byte of it.

    Raises:
        UserError: The file cannot be read, or is too short for a secret.
    """
    try:
        secret = read_regular(file, MAX_BYTES)
    except OSError as error:
        raise UserError(f"cannot read the secret {file}: {error.strerror}") from None
    if len(secret) < MIN_BYTES:
        raise UserError(
            f"{file} has {len(secret)} bytes, a secret has {MIN_BYTES} or more: head -c 32 /dev/urandom > {file}"
        )
    return secret
