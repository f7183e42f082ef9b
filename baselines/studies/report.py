"""Markdown tables and the command line of the studies; exit codes are like those of `rlbench`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import tyro

from rlbench.errors import UserError

Settings = TypeVar("Settings")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, its first `left` columns aligned to the left and the others to the right."""
    rule = ["---" if i < left else "--:" for i in range(len(head))]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *rows))


def command(study: Callable[[Any], int], settings: type[Any]) -> None:
    """Run a study from the command line; a user's mistake is one line on standard error and exit code 2."""
    try:
        sys.exit(study(tyro.cli(settings)))
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
