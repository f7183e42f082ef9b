"""Output of commands: tables on standard output, for people or as JSON or CSV, and remarks on standard error."""

from __future__ import annotations

import json as json_format
import math
import sys
from collections.abc import Hashable, Sequence
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
WIDEST = 10_000  # characters of a line in a file or a pipe: no cell is folded there


def print_table(frame: pd.DataFrame, format: Format, title: str = "", optional: Sequence[str] = ()) -> None:
    """Print a table on standard output.

    Args:
        frame: rows; lists and missing values are allowed in cells.
        format: `table` is drawn; `json` is a list of objects, with null for what is missing; `csv` has a header line.
        title: heading of a drawn table.
        optional: columns that a drawn table may leave out, the last one first, where the terminal is narrow.
    """
    if format == "json":
        sys.stdout.write(as_json(frame) + "\n")
    elif format == "csv":
        frame.map(joined).to_csv(sys.stdout, index=False, lineterminator="\n")
    else:
        draw(frame, title, optional)


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


def draw(frame: pd.DataFrame, title: str = "", optional: Sequence[str] = ()) -> None:
    """Draw a table that fits the terminal; in a file or a pipe it is as wide as it needs to be.

    Args:
        frame: rows; lists and missing values are allowed in cells.
        title: heading of the table.
        optional: columns that may be left out, the last one first, where the terminal is too narrow for whole words.
    """
    console = Console(file=sys.stdout)
    room = console.width if console.is_terminal else WIDEST
    rows = [[plain(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    columns = [Column(str(name), [row[j] for row in rows]) for j, name in enumerate(frame.columns)]
    for name in reversed(optional):
        if spare_room(columns, room) < 0:
            columns = [column for column in columns if column.name != name]
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, show_edge=False)
    for column, width in zip(columns, widths(columns, room), strict=True):
        table.add_column(Text(column.heading), justify=column.justify, overflow="fold", width=width)
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, cells))
    (console if console.is_terminal else Console(file=sys.stdout, width=WIDEST)).print(table)


class Column:
    """A column of a drawn table.

    Args:
        name: its heading, blanks as underscores.
        values: its cells, from the top.
    """

    def __init__(self, name: str, values: list[Any]) -> None:
        self.name, self.heading = name, name.replace("_", " ")
        self.cells = [shown(value) for value in values]
        numbers = bool(values) and all(is_number(value) for value in values)
        self.justify: Literal["left", "right"] = "right" if numbers else "left"
        texts = [self.heading, *self.cells]
        self.widest = max(map(len, texts))
        self.narrowest = max(len(word) for text in texts for word in text.split(" "))  # without breaking a word


def spare_room(columns: Sequence[Column], room: int) -> int:
    """Characters of a line that are left when no column is wider than its longest word; negative for a lack.

    Args:
        columns: of the table.
        room: characters of a line.
    """
    blanks = 3 * len(columns) - 1  # on both sides of each column, and between two
    return room - sum(column.narrowest for column in columns) - blanks


def widths(columns: Sequence[Column], room: int) -> list[int | None]:
    """Characters of each column, so that no word is broken; None, for rich to decide, where there is no such way.

    Columns that need little more than their longest word get it first.

    Args:
        columns: of the table.
        room: characters of a line.
    """
    made = [column.narrowest for column in columns]
    spare = spare_room(columns, room)
    if spare < 0:
        return [None] * len(columns)
    for j in sorted(range(len(columns)), key=lambda j: columns[j].widest - made[j]):
        more = min(columns[j].widest - made[j], spare)
        made[j], spare = made[j] + more, spare - more
    return list(made)


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
