"""A referee: two GTP programs play a game, and a third one, GNU Go, watches that they play the same game by its rules.

It speaks GTP by itself, in the plainest way, as a second opinion on the client and the server of the package.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Engine:
    """A GTP program that is asked line by line."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1
        )

    def ask(self, command: str) -> str:
        """The answer without its mark; an AssertionError where the program refuses."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        lines = [self.process.stdout.readline()]
        while lines[-1].strip() or len(lines) == 1:
            lines.append(self.process.stdout.readline())
            assert lines[-1], f"{command}: the program has ended"
        answer = "".join(lines).strip()
        assert answer.startswith("="), f"{command}: {answer}"
        return answer[1:].strip()


class Game(NamedTuple):
    """A game that was played: the moves, and the result as each of the three has it."""

    moves: list[str]
    results: dict[str, str]


@contextlib.contextmanager
def engines(commands: dict[str, Sequence[str]]) -> Iterator[dict[str, Engine]]:
    """The programs by name, which are killed at the end."""
    running = {name: Engine(command) for name, command in commands.items()}
    try:
        yield running
    finally:
        for engine in running.values():
            engine.process.kill()
            engine.process.communicate()


def play(running: dict[str, Engine], size: int, komi: float, max_moves: int) -> Game:
    """A game of `black` against `white`, as `referee` sees it.

    Every move must be legal to the referee and to the other side, and at the end all must see the same stones.
    """
    for engine in running.values():
        for command in (f"boardsize {size}", "clear_board", f"komi {komi}"):
            engine.ask(command)
    moves: list[str] = []
    while len(moves) < max_moves and [move.lower() for move in moves[-2:]] != ["pass", "pass"]:
        colour = ("black", "white")[len(moves) % 2]
        move = running[colour].ask(f"genmove {colour}")
        if move.lower() == "resign":
            result = f"{'W' if colour == 'black' else 'B'}+R"
            return Game([*moves, move], dict.fromkeys(running, result))
        assert move.lower() == "pass" or running["referee"].ask(f"is_legal {colour} {move}") == "1", (moves, move)
        for name in running.keys() - {colour}:
            running[name].ask(f"play {colour} {move}")
        moves.append(move)
    return Game(moves, {name: engine.ask("final_score") for name, engine in running.items()})
