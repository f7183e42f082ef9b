"""Game records in SGF, the Smart Game Format FF[4] (Hollosi, 1999): read, written, and played on a board.

A file holds a tree of moves. Its main line is read: at every branch the first variation is followed, the others are
left out, and so are all games after the first. Nothing is nested in memory, so depth costs nothing; time and memory
grow with the length of the file, which is MAX_BYTES at most.

Moves are not checked against the rules while they are read; playing them does it.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from rlbench.envs.go.coordinates import SGF_LETTERS, Shape, from_sgf, to_sgf
from rlbench.envs.go.game_record import GameRecord
from rlbench.errors import UserError, shortened

MAX_BYTES = 16 << 20
MAX_NODES = 20_000
MAX_SETUP_NODES = 100
MAX_SIDE = len(SGF_LETTERS)
DEFAULT_SIZE = 19  # of a file without SZ, as FF[4] has it
COLOURS = {"B": 1, "W": -1}
SETUP = {"AB": 1, "AW": -1, "AE": 0}
TEXTS = {"PB": "black", "PW": "white", "RE": "result", "RU": "rules"}
READ = {*COLOURS, *SETUP, *TEXTS, "GM", "SZ", "KM", "PL"}
"""The properties that are read; all others are left out."""

ENCODINGS = (
    *("utf-8", "ascii", "latin-1", "iso-8859-1", "iso-8859-15", "cp1252", "windows-1252", "gb2312", "gbk", "gb18030"),
    *("big5", "shift_jis", "shift-jis", "euc-jp", "euc-kr", "koi8-r", "windows-1251"),
)
"""What CA[] may name. Python knows more, some of which take quadratic time or execute a program of their own."""


class SgfError(UserError):
    """A file that is no game record of Go, or cannot be played."""


Node: TypeAlias = dict[str, list[str]]
"""The values of a node's properties as they stand in the file, of those in READ."""


def read_sgf(path: Path) -> GameRecord:
    """The main line of the first game of a file.

    Args:
        path: The file.

    Raises:
        SgfError: It cannot be read, or is no game record of Go.
    """
    name = f"the game record {path}"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise SgfError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise SgfError(f"cannot read {name}: it is longer than {MAX_BYTES:,} bytes")
    return parse_sgf(data, name)


def parse_sgf(data: bytes | str, name: str = "the game record") -> GameRecord:
    """The main line of the first game.

    Args:
        data: The file's content; bytes are in the encoding that CA[] names, else UTF-8 or Latin-1.
        name: What it is, for messages.

    Raises:
        SgfError: It is no game record of Go; the message says where.
    """
    text = data if isinstance(data, str) else _decoded(data)
    try:
        return _record(_main_line(text))
    except UserError as error:
        raise SgfError(f"{name}: {error}") from None


def _decoded(data: bytes) -> str:
    declared = re.search(rb"CA\[\s*([\w.-]{1,20})\s*\]", data[:4096])
    encoding = declared[1].decode().lower() if declared else ""
    if encoding in ENCODINGS and encoding != "utf-8":
        return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


TOKEN = re.compile(r"\s*(?:(?P<identifier>[A-Za-z]+)|(?P<value>\[[^\]]*\])|(?P<mark>\(\s*;|[;)]))")
MAX_VALUES = MAX_SIDE**2
"""Of one property: a stone on every point of the largest board."""


def _main_line(text: str) -> Iterator[Node]:
    """The nodes of the main line of the first game, the root first."""
    begin = re.search(r"\(\s*;", text)
    if begin is None or "\0" in text:
        raise SgfError("it is no SGF" + (", which begins with '(;'" if begin is None else " but binary data"))
    # Escaped characters are blanked, so that every bracket that is left opens or closes a value.
    plain = re.sub(r"\\.", "\0\0", text, flags=re.DOTALL)
    position, depth = begin.end(), 1
    for number in itertools.count(1):
        if number > MAX_NODES:
            raise SgfError(f"its line of play is longer than {MAX_NODES:,} nodes")
        node: Node = {}
        position, mark = _read_node(text, plain, position, node)
        yield node
        if mark == ")":
            break
        depth += mark != ";"
    rest = re.sub(r"\[[^\]]*\]", "", plain[position:])
    if "[" in rest or depth + rest.count("(") - rest.count(")") > 1:
        raise SgfError("it is cut off, within a variation")


def _read_node(text: str, plain: str, position: int, node: Node) -> tuple[int, str]:
    """Read one node from a position on; the position after it, and the mark that ends it: `;`, `(;` or `)`."""
    values: list[str] = []
    name, is_bare = "", False
    while token := TOKEN.match(plain, position):
        if token["value"] is None and is_bare:
            raise SgfError(f"{_place(plain, position)}: a property without a value")
        if token["mark"] is not None:
            return token.end(), token["mark"]
        if token["identifier"] is not None:
            name = re.sub("[a-z]", "", token["identifier"])  # FF[3] wrote Black for B
            values, is_bare = node.setdefault(name, []) if name in READ else [], True
        elif not name:
            raise SgfError(f"{_place(plain, position)}: a value without a property")
        elif name in READ:
            values.append(text[token.start("value") + 1 : token.end() - 1])
        position, is_bare = token.end(), is_bare and token["value"] is None
        if len(values) > MAX_VALUES:
            raise SgfError(f"{name} has more than {MAX_VALUES:,} values")
    rest = plain[position : position + 1000].split(maxsplit=1)
    if not rest or rest[0].startswith("["):
        raise SgfError("it is cut off")
    raise SgfError(f"{_place(plain, position)}: unexpected {shortened(rest[0][:20])}")


def _place(text: str, position: int) -> str:
    """The line and the column of the first character from a position on that is no blank."""
    position += len(text[position:]) - len(text[position:].lstrip())
    return f"line {text.count(chr(10), 0, position) + 1}, column {position - text.rfind(chr(10), 0, position)}"


def _record(nodes: Iterator[Node]) -> GameRecord:
    """The record of a game from its nodes."""
    root = next(nodes)
    if (game := _only(root, "GM")) not in (None, "", "1"):
        raise SgfError(f"it is of another game, GM[{shortened(game)[1:-1]}]; Go is GM[1]")
    shape = _shape_of(_only(root, "SZ"))
    moves: list[tuple[int, int]] = []
    setup: dict[int, int] = {}
    found: dict[str, str] = {}
    for number, node in enumerate(itertools.chain([root], nodes)):
        if SETUP.keys() & node.keys():
            if moves or number >= MAX_SETUP_NODES:
                raise SgfError(f"node {number} sets up stones, which a game does before its first move")
            _set_up(node, shape, setup)
        moves += _moves(node, shape, len(moves))
        found |= {name: value for name in ("KM", "PL", *TEXTS) if (value := _only(node, name))}
    stones = tuple((action, colour) for action, colour in sorted(setup.items()) if colour)
    texts: dict[str, Any] = {field: _simple_text(found[name]) for name, field in TEXTS.items() if name in found}
    return GameRecord(shape, tuple(moves), stones, _komi(found.get("KM")), _colour(found.get("PL")), **texts)


def _only(node: Node, name: str) -> str | None:
    """The value of a property that has one; None where the node lacks it."""
    values = node.get(name, [None])
    if len(values) != 1:
        raise SgfError(f"a node has {len(values)} values of {name}")
    return None if values[0] is None else values[0].strip()


def _shape_of(size: str | None) -> Shape:
    """Rows and columns, which SZ gives as `9`, or as `columns:rows`."""
    if not size:
        return DEFAULT_SIZE, DEFAULT_SIZE
    match = re.fullmatch(r"([0-9]{1,3})(?:\s*:\s*([0-9]{1,3}))?", size)
    columns, rows = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= min(columns, rows) <= max(columns, rows) <= MAX_SIDE:
        raise SgfError(f"SZ is a size 1 to {MAX_SIDE}, or columns:rows, got {shortened(size)}")
    return rows, columns


def _set_up(node: Node, shape: Shape, setup: dict[int, int]) -> None:
    """Put up the stones of a node, {action: colour}."""
    seen: set[int] = set()
    for name, colour in SETUP.items():
        for value in node.get(name, ()):
            for action in _points(value, shape):
                if action in seen:  # which also bounds the work: rectangles may not cover a point twice
                    raise SgfError(f"{name}[{shortened(value)[1:-1]}] sets up a point twice")
                seen.add(action)
                setup[action] = colour


def _points(value: str, shape: Shape) -> Iterator[int]:
    """The points of an entry of a list: one, or a rectangle as `corner:corner`."""
    corners = [from_sgf(corner.strip(), shape) for corner in value.split(":", 1)]
    if shape[0] * shape[1] in corners:
        raise SgfError(f"a stone is set up at {shortened(value)}, which is no point")
    (top, left), (bottom, right) = (divmod(corners[i], shape[1]) for i in (0, -1))
    for row in range(min(top, bottom), max(top, bottom) + 1):
        for column in range(min(left, right), max(left, right) + 1):
            yield row * shape[1] + column


def _moves(node: Node, shape: Shape, before: int) -> list[tuple[int, int]]:
    """The move of a node, if it has one."""
    names = [name for name in COLOURS if name in node]
    try:
        moves = [(from_sgf(_only(node, name) or "", shape), COLOURS[name]) for name in names]
    except UserError as error:
        raise SgfError(f"move {before + 1}: {error}") from None
    if len(moves) > 1:
        raise SgfError(f"move {before + 1} is of both colours")
    return moves


def _komi(value: str | None) -> float | None:
    if not value:
        return None
    komi = float(value) if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", value) else math.nan
    if not math.isfinite(komi):
        raise SgfError(f"KM is a number, got {shortened(value)}")
    return komi


def _colour(value: str | None) -> int | None:
    if value is None:
        return None
    if value.upper()[:1] not in COLOURS:
        raise SgfError(f"PL is B or W, got {shortened(value)}")
    return COLOURS[value.upper()[:1]]


def _simple_text(value: str) -> str:
    """What SGF calls SimpleText, on one line without its escapes."""
    return re.sub(r"\s", " ", re.sub(r"\\(\r?\n|.)", lambda match: match[1].strip("\r\n"), value, flags=re.DOTALL))


def format_sgf(record: GameRecord) -> str:
    """The record as a file of one game, in UTF-8; ten moves on a line.

    Args:
        record: The game.

    Raises:
        CoordinateError: Its board is larger than SGF has letters for.
    """
    rows, columns = record.shape
    size = f"{columns}" if rows == columns else f"{columns}:{rows}"
    komi = "" if record.komi is None else f"KM[{record.komi:.10g}]"
    texts = ((name, getattr(record, field)) for name, field in TEXTS.items())
    root = f"(;FF[4]GM[1]CA[UTF-8]SZ[{size}]{komi}" + "".join(
        f"{name}[{_escaped(text)}]" for name, text in texts if text
    )
    for name, colour in SETUP.items():
        points = [to_sgf(action, record.shape) for action, each in record.setup if each == colour]
        root += f"{name}" + "".join(f"[{point}]" for point in points) if points else ""
    if record.to_play is not None:
        root += f"PL[{_letter(record.to_play)}]"
    moves = [f";{_letter(colour)}[{to_sgf(action, record.shape)}]" for action, colour in record.moves]
    for number, comment in record.comments.items():
        moves[number] += f"C[{_escaped(comment)}]"
    lines = ["".join(moves[i : i + 10]) for i in range(0, len(moves), 10)]
    return "\n".join([root, *lines]) + ")\n"


def _letter(colour: int) -> str:
    return "B" if colour > 0 else "W"


def _escaped(text: str) -> str:
    return re.sub(r"([\]\\])", r"\\\1", re.sub(r"\s", " ", text))
