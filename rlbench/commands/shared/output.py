"""Output of commands: text, tables, JSON and CSV on standard output; remarks and questions on standard error."""

from __future__ import annotations

import json as json_format
import math
import shlex
import sys
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from rlbench import streams
from rlbench.commands.shared import tables
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
    """Print a frame as `tables.drawn` draws it; lists and missing values are allowed in cells."""
    draw_rows([str(name) for name in frame.columns], plain_rows(frame), title, optional)


def draw_rows(
    names: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "", optional: Sequence[str] = (), note: str = ""
) -> None:
    """Print a table on standard output, as `tables.drawn` draws it."""
    write(tables.drawn(sys.stdout, names, rows, title, optional, note))
