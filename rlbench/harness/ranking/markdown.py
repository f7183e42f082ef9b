"""Tables of text as Markdown, and how wide they are where GitHub shows them.

A table that is wider than the page is cut off there, and whoever does not scroll never sees its last columns. So widths
are estimated from the characters, with the widest of the fonts that GitHub asks for, and tables are split to fit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from rlbench.harness.ranking.tables import TextTable

BREAK = "<br>"
"""Ends a line in a cell."""

PAGE = 948
"""Pixels of the column in which GitHub shows a page."""

CELL = 27
"""Pixels of a cell beside its text: padding and border."""

BOLD = 1.1
"""How much wider a heading is than other text."""

THIN = frozenset(" ,.:;'()[]|!-ijlft")
WIDE = frozenset("mwMWN—†@")
TEXT_COLUMNS = frozenset({"agent", "task", "reason", "digest", "command", "curve", "by", "contested"})
"""Columns that are flush left; all others hold numbers."""


class Marked(str):
    """Plain text of a cell, with the Markdown that shows it bold or with links."""

    markdown: str

    @classmethod
    def of(cls, text: str, markdown: str) -> Marked:
        """Text, and what stands for it in Markdown."""
        made = cls(text)
        made.markdown = markdown
        return made


def strong(text: str) -> Marked:
    """Bold text."""
    return Marked.of(text, f"**{escape(text)}**")


def lines_of(*cells: str) -> Marked:
    """A cell of several lines, which may be marked each."""
    return Marked.of(BREAK.join(cells), BREAK.join(shown(cell, {}) for cell in cells))


def markdown(table: TextTable, links: Mapping[str, str] | None = None) -> str:
    """Table whose columns also line up as plain text.

    Args:
        table: The table.
        links: Where cells lead to, by their text.
    """
    rows = [tuple(shown(cell, links or {}) for cell in row) for row in (table.columns, *table.rows)]
    widths = [max(width(row[j]) for row in rows) for j in range(len(table.columns))]
    left = [name in TEXT_COLUMNS for name in table.columns]
    lines = [[pad(*cell) for cell in zip(row, widths, left, strict=True)] for row in rows]
    rule = [":" + "-" * (w - 1) if flush else "-" * (w - 1) + ":" for w, flush in zip(widths, left, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def shown(cell: str, links: Mapping[str, str]) -> str:
    """Cell as Markdown shows it, and as a link where it has one."""
    if isinstance(cell, Marked):
        return cell.markdown
    text = BREAK.join(map(escape, cell.split(BREAK)))
    return link(text, links[cell]) if cell in links else text


def link(text: str, target: str) -> str:
    """Link to a target, in angle brackets where it holds what would end it."""
    return f"[{text}](<{target}>)" if re.search(r"[\s()]", target) else f"[{text}]({target})"


def anchor(heading: str) -> str:
    """The fragment by which GitHub links to a heading."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def code(text: str) -> str:
    """Text between backticks, where Markdown leaves it alone."""
    return f"`{text}`"


def escape(text: str) -> str:
    """Cell that Markdown shows as it is: names come from strangers' files.

    Underscores inside a word are left alone: they mean nothing there, and the plain text stays readable.
    """
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    escaped = "".join(f"\\{c}" if c in "\\|`*<~&" else c for c in printable).replace("](", "]\\(")
    return re.sub(r"(?<![^\W_])_+|_+(?![^\W_])", lambda found: r"\_" * len(found[0]), escaped)


def width(text: str) -> int:
    """Columns that a text takes in a terminal: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def pad(text: str, to: int, left: bool) -> str:
    """Text filled with blanks to a width."""
    blanks = " " * (to - width(text))
    return text + blanks if left else blanks + text


def pixels(text: str) -> int:
    """About how wide GitHub shows a line of text, in pixels."""
    return sum(6 if c in THIN else 15 if c in WIDE else 10 * width(c) for c in text)


def column_pixels(table: TextTable, j: int, heading_breaks: bool = True, cells_break: bool = False) -> int:
    """Pixels that column j needs: its widest word where lines may break, at blanks and hyphens, else its widest line.

    Args:
        table: The table.
        j: Number of the column.
        heading_breaks: Whether lines of the heading may break.
        cells_break: Whether lines of numbers may; those of names always may.
    """
    cells_break = cells_break or table.columns[j] in TEXT_COLUMNS
    heading = max(map(pixels, pieces(table.columns[j], heading_breaks)))
    cells = (pixels(piece) for row in table.rows for piece in pieces(row[j], cells_break))
    return CELL + max(int(BOLD * heading), *cells, 0)


def pieces(cell: str, breaks: bool) -> list[str]:
    """The lines of a cell, or the words between which a browser may break them."""
    return re.split(rf"{BREAK}|\s|(?<=\w-)(?=[a-z])" if breaks else BREAK, cell)


def fits(table: TextTable) -> bool:
    """Whether GitHub shows all columns of a table, however many lines their cells take."""
    return sum(column_pixels(table, j, cells_break=True) for j in range(len(table.columns))) <= PAGE


def missing_pixels(table: TextTable) -> int:
    """Pixels that GitHub lacks to show a table without breaking a number's line or a heading's."""
    return max(sum(column_pixels(table, j, heading_breaks=False) for j in range(len(table.columns))) - PAGE, 0)


def split(table: TextTable, fixed: int = 1) -> list[TextTable]:
    """The columns of a table dealt over as many tables as it takes for each to fit; each begins with the fixed ones."""
    first = sum(column_pixels(table, j) for j in range(fixed))
    groups: list[list[int]] = []
    room = 0
    for j in range(fixed, len(table.columns)):
        needed = column_pixels(table, j)
        if not groups or needed > room:
            groups.append([])
            room = PAGE - first
        groups[-1].append(j)
        room -= needed
    return [pick(table, [*range(fixed), *group]) for group in groups]


def pick(table: TextTable, columns: list[int]) -> TextTable:
    """Some columns of a table."""
    rows = tuple(tuple(row[j] for j in columns) for row in table.rows)
    return TextTable(table.title, tuple(table.columns[j] for j in columns), rows)
