"""`search.json`: for which game a network was trained, and how it is searched with.

    {"format": 1, "game": "go", "size": 5, "komi": 24.5, "suicide": false,
     "search": {"algorithm": "gumbel", "simulations": 64}}

`search` holds any fields of `settings.SearchSettings`; the others have their defaults.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rlbench.errors import ArgumentError, shortened, unknown
from rlbench.search.settings import SearchSettings

ENTRY = "rlbench:search"
"""The entry that a submission names in its manifest whose network is searched with."""

PLAYER, PREPARATION = (f"rlbench.harness.search_player.{name}" for name in ("player", "preparation"))
"""The modules that play such a submission, and that prepare its process. They are imported by these names, as they need
the rules of the game and Numba, which the harness does without."""

SEARCH = "search.json"
FORMAT, GAME = 1, "go"


@dataclass(frozen=True)
class SearchedGame:
    """A board of Go, and how a network's agent searches there; an ArgumentError says what cannot be."""

    size: int
    komi: float
    suicide: bool
    settings: SearchSettings

    def __post_init__(self) -> None:
        if type(self.size) is not int or not 2 <= self.size <= 19:
            raise ArgumentError(f"size is an integer 2 to 19, got {shortened(self.size)}")
        if type(self.komi) not in (int, float) or not abs(self.komi) <= self.size**2 or 2 * self.komi % 1:
            raise ArgumentError(f"komi is a multiple of 0.5 within {self.size**2} points, got {shortened(self.komi)}")
        if type(self.suicide) is not bool:
            raise ArgumentError(f"suicide is true or false, got {shortened(self.suicide)}")


def search_text(game: SearchedGame) -> str:
    """The text of `search.json`; `parse` returns the game again."""
    fields = dataclasses.asdict(game)
    settings = fields.pop("settings")
    return f"{json.dumps({'format': FORMAT, 'game': GAME, **fields, 'search': settings}, indent=1)}\n"


def parse(text: str) -> SearchedGame:
    """What a `search.json` says.

    Raises:
        ArgumentError: It is no JSON object of these fields, or a value cannot be.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"it is no JSON: {' '.join(str(error).split())}") from None
    _check("it", data, ("format", "game", "size", "komi", "suicide", "search"), True)
    if data["format"] != FORMAT or data["game"] != GAME:
        given = f"{shortened(data['format'])} of {shortened(data['game'])}"
        raise ArgumentError(f"format {given} is not format {FORMAT} of {GAME!r}, the one that is played")
    known = [field.name for field in dataclasses.fields(SearchSettings)]
    _check("search", data["search"], known, False)
    return SearchedGame(data["size"], data["komi"], data["suicide"], SearchSettings(**data["search"]))


def _check(where: str, data: Any, known: Sequence[str], all_of_them: bool) -> None:
    """An ArgumentError unless data is an object of these fields, or of some of them."""
    if not isinstance(data, dict):
        raise ArgumentError(f"{where} is no object, but {shortened(data)}")
    for name in data:
        if name not in known:
            raise unknown(f"field of {where}" if where != "it" else "field", name, known, ArgumentError)
    if missing := [name for name in known if name not in data and all_of_them]:
        raise ArgumentError(f"{where} has no {missing[0]}")
