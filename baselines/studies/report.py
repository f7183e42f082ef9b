"""Markdown tables and the command line of the studies; exit codes are like those of `rlbench`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rlbench.options import parse_options
from rlbench.program import run_program


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, its first `left` columns aligned to the left and the others to the right."""
    rule = ["---" if i < left else "--:" for i in range(len(head))]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *rows))


def command(study: Callable[[Any], int], settings: type[Any]) -> None:
    """Run a study from the command line; mistakes and exit codes are as those of `rlbench`."""
    prog = f"python -m baselines.studies.{Path(sys.argv[0]).stem}"
    sys.exit(run_program(lambda: study(parse_options(settings, sys.argv[1:], prog=prog))))
