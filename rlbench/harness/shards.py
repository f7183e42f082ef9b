"""Shards: the n-th part of the blocks of an evaluation, for schedulers that run n copies of one command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rlbench.errors import UserError


class Shard(NamedTuple):
    """One of several."""

    number: int
    """From 1."""

    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def blocks(self, counts: Sequence[int]) -> list[list[int]]:
        """The blocks that this one plays, by run: of all blocks of all runs, counted through, each `of`-th.

        Args:
            counts: How many blocks each run has.
        """
        first = [sum(counts[:i]) for i in range(len(counts))]
        return [
            [k for k in range(count) if (start + k) % self.of == self.number - 1]
            for start, count in zip(first, counts, strict=True)
        ]


def parse(text: str) -> Shard:
    """A shard, given as `2/8`; UserError for anything else."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    shard = Shard(*map(int, match.groups())) if match else Shard(0, 0)
    if not 1 <= shard.number <= shard.of:
        raise UserError(f"--shard is I/N, with I from 1 to N, such as 2/8; got {text}")
    return shard
