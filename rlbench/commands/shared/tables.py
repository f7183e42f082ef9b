"""Tables drawn for people: as wide as the terminal, with no word or number broken; lines where there is no room."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, TextIO

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rlbench import streams

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


def drawn(
    out: TextIO,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    title: str = "",
    optional: Sequence[str] = (),
    note: str = "",
) -> str:
    """A drawn table that fits the terminal; in a file or a pipe it is as wide as it needs to be.

    Where there is no room for whole words, it is a record per row: lines `name: value`.

    Args:
        out: the stream that it is for, by which colours and characters are chosen.
        names: of the columns.
        rows: cells of plain Python values; None for what is missing.
        title: heading of the table.
        optional: columns that may be left out, the last one first, where the terminal is too narrow for whole words;
            a line below the table names them.
        note: a line below the table.
    """
    console = Console(file=out, width=streams.columns() or streams.MAX_COLUMNS, height=25, force_jupyter=False)
    every = [Column(name, [row[j] for row in rows]) for j, name in enumerate(names)]
    columns = every
    for name in reversed(optional):
        if spare_room(columns, console.width) < 0:
            columns = [column for column in columns if column.name != name]
    with console.capture() as captured:
        if title:
            console.print(Text(title, style="italic"), overflow="ignore", no_wrap=True, crop=False)
        if spare_room(columns, console.width) < 0:
            console.print(Text(records_text(every, console.width)), overflow="ignore", no_wrap=True, crop=False)
        else:
            console.print(table(columns, console.width))
            note = "\n".join(filter(None, (note, left_out(every, columns))))
        if note:
            filled = "\n".join(fill(line, console.width) for line in note.split("\n"))
            console.print(Text(filled), overflow="ignore", no_wrap=True, crop=False)
    return captured.get().replace(UNBROKEN, " ")


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
        "\n".join(fill(f"{column.heading}: {column.cells[i]}", room) for column in columns)
        for i in range(len(columns[0].cells) if columns else 0)
    ]
    return "\n\n".join(paragraphs) or f"none: {', '.join(column.heading for column in columns)}"


def fill(text: str, room: int) -> str:
    """A line broken between words only, where it is wider than a terminal; what follows is indented.

    Not by `textwrap`, which counts characters: East Asian ones are two columns wide.

    Args:
        text: one line.
        room: columns of the terminal.
    """
    first, *rest = text.split(" ")
    lines = [first]
    for word in rest:
        if cell_len(longer := f"{lines[-1]} {word}") <= room:
            lines[-1] = longer
        elif word:  # no blanks begin a line
            lines.append(f"  {word}")
    return "\n".join(line.rstrip(" ") for line in lines)


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
