"""`rlbench gtp`: a player for Go programs that speak GTP, the Go Text Protocol, version 2."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from typing import IO, Annotated

import tyro
from tyro.conf import Positional

from rlbench.commands.shared.go_players import find_served
from rlbench.envs.go.config import LARGEST, SMALLEST
from rlbench.errors import UserError
from rlbench.gtp import protocol
from rlbench.gtp.server import GoServer

USUAL_SIZE = 9


@dataclass(frozen=True)
class GtpOptions:
    """Play Go for a program that speaks GTP: reads commands from standard input and answers on standard output."""

    player: Annotated[Positional[str], tyro.conf.arg(metavar="PLAYER")]
    """A submission's folder, an agent of the leaderboard, `random`, or `mcts:1000`, a search of so many playouts."""
    size: int | None = None
    """Rows and columns of the board until `boardsize` says other ones; by default those of the agent's task, or 9."""
    seed: int = 0
    """Seed of the player until `set_random_seed` says another."""
    suicide: bool = False
    """Allow suicide."""


def run(options: GtpOptions) -> int:
    """Serve until `quit`, the end of the input, or until nobody reads the answers."""
    if options.seed < 0:
        raise UserError(f"--seed is at least 0, got {options.seed}")
    if options.size is not None and not SMALLEST <= options.size <= LARGEST:
        raise UserError(f"--size is {SMALLEST} to {LARGEST}, got {options.size}")
    with contextlib.closing(find_served(options.player)) as player:
        size = options.size or player.usual_size or USUAL_SIZE
        player.seed(options.seed)
        server = GoServer(player, size, options.suicide)
        protocol.serve(server.handlers(), _input(), _write)
    return 0


def _input() -> IO[bytes]:
    """Standard input as bytes; empty where the program was started without."""
    return io.BytesIO() if sys.stdin is None else sys.stdin.buffer


def _write(text: str) -> bool:
    """Send an answer; returns whether anybody reads them."""
    sys.stdout.write(text)
    sys.stdout.flush()
    return not getattr(sys.stdout, "is_lost", False)
