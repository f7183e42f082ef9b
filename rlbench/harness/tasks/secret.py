"""Seeds of episodes that are drawn from a grader's secret, so that nobody can look an episode up ahead.

A record holds the hash of the secret from its first line on. Whoever is given the secret later can check both.
"""

from __future__ import annotations

import functools
import hashlib
import hmac

MIN_BYTES = 16
"""Of a secret, so that nobody can try them all."""


def secret_hash(secret: bytes) -> str:
    """The sha256 of the secret, which records hold."""
    return hashlib.sha256(secret).hexdigest()


@functools.lru_cache(maxsize=64)
def seeds(secret: bytes, task: str, count: int) -> tuple[int, ...]:
    """Different seeds in [2^30, 2^31) for the episodes of a task, by HMAC-SHA256 (RFC 2104) of `task number`.

    Args:
        secret: The key.
        task: Name and version of the task.
        count: Number of episodes. Those of fewer are the first of these.
    """
    drawn: dict[int, None] = {}
    number = 0
    while len(drawn) < count:
        digest = hmac.digest(secret, f"{task} {number}".encode(), "sha256")
        drawn[2**30 + (int.from_bytes(digest[:4], "big") >> 2)] = None
        number += 1
    return tuple(drawn)
