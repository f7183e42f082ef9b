"""Output of commands: text and tables on standard output, for people or as JSON or CSV; remarks on standard error."""

from __future__ import annotations

import json as json_format
import math
import re
import shlex
import sys
import textwrap
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rlbench import streams
from rlbench.errors import one_line

if TYPE_CHECKING:
    import pandas as pd  # takes a quarter of a second: only for what makes or reads a frame

Format = Annotated[
    Literal["table", "json", "csv"],
    tyro.conf.arg(help="What to print: a table for people, JSON or CSV. --json and --csv are short for the last two."),
]
"""Type of the option `--format`, which every command has; `rlbench.cli` writes out `--json` and `--csv`."""

Quiet = Annotated[bool, tyro.conf.arg(aliases=["-q"])]
"""Type of the option `--quiet`, which every command has."""

Output = Annotated[Path, tyro.conf.arg(aliases=["--out", "-o"])]
"""Type of the option `--output`, the file or folder that a command writes; `--out` where it is a folder of many."""

DASH = "—"
NAMES = frozenset(("agent",))
"""Columns of names, such as `dqn 1`, which are never broken between two lines."""
_NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?"
NUMBER = re.compile(
    rf"{_NUMBER}(?: \({_NUMBER}–{_NUMBER}\)| of {_NUMBER}| ± {_NUMBER}|–{_NUMBER}|\xa0?%)?"
    rf"|\[{_NUMBER}, {_NUMBER}\]†?|(?:≤ )?[\d.]+[kM]|{DASH}|"
)
"""A number written out: `1,234.50`, `1 (1–2)`, `3 of 1,000`, `[1.0, 2.0]†`, or nothing. It is never broken, either."""
UNBROKEN = "\ue000"
"""Stands for a blank at which no line may end; no printable text contains it."""
NO_COUNTS = frozenset(("seed", "training_seed", "agent_seed", "episode", "max_episode_steps"))
"""Columns of whole numbers that are names, or values to be typed again: without commas between thousands."""


def table_of(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Rows as a table whose cells stay as they are: whole numbers, too, where another row has none.

    Args:
        rows: cells by name of the column.
        columns: the columns and their order; by default those of the rows.
    """
    import pandas as pd

    rows = list(rows)
    names = list(columns or dict.fromkeys(name for row in rows for name in row))
    return pd.DataFrame([[row.get(name) for name in names] for row in rows], columns=names, dtype=object)


def print_table(frame: pd.DataFrame, format: Format, title: str = "", optional: Sequence[str] = ()) -> None:
    """Print a table on standard output.

    Args:
        frame: rows; lists and missing values are allowed in cells.
        format: `table` is drawn; `json` is a list of objects, with null for what is missing; `csv` has a header line.
        title: heading of a drawn table.
        optional: columns that a drawn table may leave out, the last one first, where the terminal is narrow.
    """
    if format == "json":
        write(as_json(frame) + "\n")
    elif format == "csv":
        write(as_csv(frame))
    else:
        draw(frame, title, optional)


def write(text: str) -> None:
    """Print text on standard output."""
    sys.stdout.write(text)


def silent(options: Any) -> bool:
    """Whether a command prints no progress and no remarks: `--quiet` is given, or the output is for a program."""
    return bool(options.quiet or options.format != "table")


def remark(message: str, options: Any) -> None:
    """Print a line on standard error, unless the command is silent."""
    if not silent(options):
        complain(message)


def complain(message: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(f"{one_line(message)}\n")


def for_a_shell(path: Path) -> str:
    """A path as a word of a command: quoted where a shell would take it apart, and never an option."""
    return shlex.quote(f"./{path}" if str(path).startswith("-") else str(path))


def can_ask() -> bool:
    """Whether a person is there to answer."""
    return streams.is_terminal(sys.stdin) and streams.is_terminal(sys.stderr)


def ask(question: str) -> str:
    """What a person answers, without blanks around it; empty at the end of the input."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def as_json(frame: pd.DataFrame) -> str:
    """Rows as a JSON list of objects, one per line."""
    made = records(frame)
    escaped = not streams.takes(json_format.dumps(made, ensure_ascii=False))  # rather than substituted
    lines = [json_format.dumps(record, ensure_ascii=escaped, allow_nan=False) for record in made]
    return "[\n" + ",\n".join(lines) + "\n]" if lines else "[]"


def as_csv(frame: pd.DataFrame) -> str:
    """Rows as CSV with a header line; a missing cell is empty."""
    import pandas as pd

    cells = [[joined(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    return pd.DataFrame(cells, columns=frame.columns, dtype=object).to_csv(index=False, lineterminator="\n")


def records(frame: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Rows as dictionaries of plain Python values; None for what is missing or not finite."""
    return [dict(zip(frame.columns, row, strict=True)) for row in plain_rows(frame)]


def plain_rows(frame: pd.DataFrame) -> list[list[Any]]:
    """Rows of plain Python values, as `plain` makes them; None for what pandas calls missing, too."""
    import pandas as pd

    missing = (pd.NA, pd.NaT)
    return [
        [None if any(value is each for each in missing) else plain(value) for value in row]
        for row in frame.itertuples(index=False, name=None)
    ]


def plain(value: Any) -> Any:
    """Cell as JSON knows it: NumPy unwrapped, None for missing or infinite, else a string."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def joined(value: Any) -> Any:
    """Cell for CSV: the items of a list with blanks between them, all else as it is."""
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def draw(frame: pd.DataFrame, title: str = "", optional: Sequence[str] = ()) -> None:
    """Draw a frame as `draw_rows` does; lists and missing values are allowed in cells."""
    draw_rows([str(name) for name in frame.columns], plain_rows(frame), title, optional)


def draw_rows(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    title: str = "",
    optional: Sequence[str] = (),
    note: str = "",
) -> None:
    """Draw a table that fits the terminal; in a file or a pipe it is as wide as it needs to be.

    Where there is no room for whole words, it is a record per row: lines `name: value`.

    Args:
        names: of the columns.
        rows: cells of plain Python values; None for what is missing.
        title: heading of the table.
        optional: columns that may be left out, the last one first, where the terminal is too narrow for whole words;
            a line below the table names them.
        note: a line below the table.
    """
    console = Console(file=sys.stdout, width=streams.columns() or streams.MAX_COLUMNS, height=25, force_jupyter=False)
    every = [Column(name, [row[j] for row in rows]) for j, name in enumerate(names)]
    columns = every
    for name in reversed(optional):
        if spare_room(columns, console.width) < 0:
            columns = [column for column in columns if column.name != name]
    with console.capture() as drawn:
        if title:
            console.print(Text(title, style="italic"), overflow="ignore", no_wrap=True, crop=False)
        if spare_room(columns, console.width) < 0:
            console.print(Text(records_text(every, console.width)), overflow="ignore", no_wrap=True, crop=False)
        else:
            console.print(table(columns, console.width))
            note = "\n".join(filter(None, (note, left_out(every, columns))))
        if note:
            filled = "\n".join(map(line_breaks(console.width).fill, note.split("\n")))
            console.print(Text(filled), overflow="ignore", no_wrap=True, crop=False)
    write(drawn.get().replace(UNBROKEN, " "))


def left_out(every: Sequence[Column], columns: Sequence[Column]) -> str:
    """A line about the columns for which a terminal has no room; empty where there is none.

    Args:
        every: the columns of the table.
        columns: those that are drawn.
    """
    names = ", ".join(column.heading for column in every if column not in columns)
    return f"left out: {names}; a wider terminal or --csv shows them" if names else ""


def table(columns: Sequence[Column], room: int) -> Table:
    """Columns side by side.

    Args:
        columns: of the table; their longest words have room.
        room: characters of a line.
    """
    made = Table(box=SIMPLE_HEAD, show_edge=False)
    for column, width in zip(columns, widths(columns, room), strict=True):
        made.add_column(Text(column.heading), justify=column.justify, overflow="fold", width=width)
    for cells in zip(*(column.cells for column in columns), strict=True):
        made.add_row(*map(Text, cells))
    return made


def records_text(columns: Sequence[Column], room: int) -> str:
    """A paragraph per row, with lines `name: value`; lines that are too long are broken between words only.

    Args:
        columns: of the table.
        room: characters of a line.
    """
    paragraphs = [
        "\n".join(line_breaks(room).fill(f"{column.heading}: {column.cells[i]}") for column in columns)
        for i in range(len(columns[0].cells) if columns else 0)
    ]
    return "\n\n".join(paragraphs) or f"none: {', '.join(column.heading for column in columns)}"


def line_breaks(room: int) -> textwrap.TextWrapper:
    """Breaks a line between words only, and indents what follows; `room` is the characters of a line."""
    return textwrap.TextWrapper(room, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


class Column:
    """A column of a drawn table.

    Args:
        name: its heading, blanks as underscores.
        values: its cells, from the top.
    """

    def __init__(self, name: str, values: list[Any]) -> None:
        self.name, self.heading = name, name.replace("_", " ")
        counts = name not in NO_COUNTS
        self.cells = [printable(shown(value) if counts or value is None else str(value)) for value in values]
        numbers = bool(values) and all(is_number(value) for value in values)
        self.justify: Literal["left", "right"] = "right" if numbers else "left"
        self.cells = [
            cell.replace(" ", UNBROKEN) if name in NAMES or NUMBER.fullmatch(cell) else cell for cell in self.cells
        ]
        texts = [self.heading, *self.cells]
        self.widest = max(map(cell_len, texts))
        self.narrowest = max(cell_len(word) for text in texts for word in text.split(" "))  # without breaking a word


def spare_room(columns: Sequence[Column], room: int) -> int:
    """Characters of a line that are left when no column is wider than its longest word; negative for a lack.

    Args:
        columns: of the table.
        room: characters of a line.
    """
    blanks = 3 * len(columns) - 1  # on both sides of each column, and between two
    return room - sum(column.narrowest for column in columns) - blanks


def widths(columns: Sequence[Column], room: int) -> list[int]:
    """Characters of each column, so that no word is broken; there must be room for that.

    Columns that need little more than their longest word get it first.

    Args:
        columns: of the table.
        room: characters of a line.
    """
    made = [column.narrowest for column in columns]
    spare = spare_room(columns, room)
    for j in sorted(range(len(columns)), key=lambda j: columns[j].widest - made[j]):
        more = min(columns[j].widest - made[j], spare)
        made[j], spare = made[j] + more, spare - more
    return made


def is_number(value: Any) -> bool:
    """Whether a cell is flush right: a number, one written out, or missing."""
    if isinstance(value, str):
        return NUMBER.fullmatch(value) is not None
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


def printable(text: str) -> str:
    r"""Text without control characters, which would move the cursor: a line break is `\n`."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
