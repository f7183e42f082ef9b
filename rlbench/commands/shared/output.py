"""Output of commands: tables on standard output, for people or as JSON or CSV, and remarks on standard error."""

from __future__ import annotations

import json as json_format
import math
import sys
from collections.abc import Hashable
from typing import Annotated, Any, Literal

import pandas as pd
import tyro
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

Format = Annotated[
    Literal["table", "json", "csv"],
    tyro.conf.arg(help="What to print: a table for people, JSON or CSV. --json and --csv are short for the last two."),
]
"""Type of the option `--format`, which every command has; `rlbench.cli` writes out `--json` and `--csv`."""

DASH = "—"
WIDEST = 10_000  # columns of a file or a pipe: no cell is folded there


def print_table(frame: pd.DataFrame, format: Format, title: str = "") -> None:
    """Print a table on standard output.

    Args:
        frame: rows; lists and missing values are allowed in cells.
        format: `table` is drawn; `json` is a list of objects, with null for what is missing; `csv` has a header line.
        title: heading of a drawn table.
    """
    if format == "json":
        sys.stdout.write(as_json(frame) + "\n")
    elif format == "csv":
        frame.map(joined).to_csv(sys.stdout, index=False, lineterminator="\n")
    else:
        draw(frame, title)


def silent(options: Any) -> bool:
    """Whether a command prints no progress and no remarks: `--quiet` is given, or the output is for a program."""
    return bool(options.quiet or options.format != "table")


def remark(message: str, options: Any) -> None:
    """Print a line on standard error, unless the command is silent."""
    if not silent(options):
        sys.stderr.write(f"{message}\n")


def as_json(frame: pd.DataFrame) -> str:
    """Rows as a JSON list of objects, one per line."""
    lines = [json_format.dumps(record, ensure_ascii=False, allow_nan=False) for record in records(frame)]
    return "[\n" + ",\n".join(lines) + "\n]" if lines else "[]"


def records(frame: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Rows as dictionaries of plain Python values; None for what is missing or not finite."""
    return [{name: plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def plain(value: Any) -> Any:
    """Cell as JSON knows it: NumPy unwrapped, None for missing or infinite, else a string."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def joined(value: Any) -> Any:
    """Cell for CSV: the items of a list with blanks between them, all else as it is."""
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def draw(frame: pd.DataFrame, title: str = "") -> None:
    """Draw a table as wide as the terminal; as wide as it takes where standard output is a file or a pipe."""
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, show_edge=False)
    rows = [[plain(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    for j, name in enumerate(frame.columns):
        numbers = all(is_number(row[j]) for row in rows)
        justify: Literal["left", "right"] = "right" if numbers and rows else "left"
        table.add_column(Text(str(name).replace("_", " ")), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(value)) for value in row))
    to_terminal = Console(file=sys.stdout)
    (to_terminal if to_terminal.is_terminal else Console(file=sys.stdout, width=WIDEST)).print(table)


def is_number(value: Any) -> bool:
    """Whether a cell is flush right: a number, one written out (`1,234`, `[1.0, 2.0]`), or missing."""
    if isinstance(value, str):
        return value[:1] in "0123456789-[" or value == DASH
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def shown(value: Any) -> str:
    """Cell for people: a dash for what is missing, thousands separated, lists joined by commas."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value) or DASH
    return str(value)
