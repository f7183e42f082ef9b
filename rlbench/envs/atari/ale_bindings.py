"""ale-py: its import, the cartridges' files, the seeds it takes, and whether it takes the settings it is given."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.error import DependencyNotInstalled

from rlbench.errors import UserError, check_taken, unknown
from rlbench.process.imports import import_library
from rlbench.registry import ATARI_GAMES

SEEDS = 2**31  # the emulator's seeds are below: it takes 31 bits


def import_ale_py() -> Any:
    """The emulator's package, or DependencyNotInstalled saying how to get it."""
    try:
        return import_library("ale_py")
    except ImportError as error:
        raise DependencyNotInstalled('Atari games need ale-py: pip install "rlbench[atari]"') from error


def rom_path(game: str) -> Path:
    """The cartridge's file; a UserError where there is no such game or the file is missing or another one."""
    if game not in ATARI_GAMES:
        raise unknown("Atari game", game, ATARI_GAMES)
    try:
        path = import_ale_py().roms.get_rom_path(game)
    except OSError as error:
        raise UserError(
            f"the cartridge of {game} cannot be read ({_first_line(error)}); unset ALE_ROMS_DIR, or reinstall it: "
            "pip install --force-reinstall ale-py"
        ) from None
    return Path(path)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


@functools.cache
def screen_size(rom: Path) -> tuple[int, int]:
    """Height and width of the game's screen in pixels."""
    ale_py = import_ale_py()
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale = ale_py.ALEInterface()
    ale.loadROM(rom)
    height, width = ale.getScreenDims()
    return height, width


def emulator_seed(seed: int) -> int:
    """The emulator's seed for a seed of any size: itself where it fits, else 31 bits of a hash of it."""
    return seed if seed < SEEDS else int(np.random.SeedSequence(seed).generate_state(1)[0]) % SEEDS


class SettingsReader:
    """A bare emulator that reads its settings as those of the games are read, and says how.

    The loop of N games answers no question about its settings. Its emulators keep numbers as text, and read that at a
    seeded reset with the locale of the process, as this one does at the same moment.
    """

    def __init__(self) -> None:
        ale_py = import_ale_py()
        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        self._ale: Any = ale_py.ALEInterface()

    def check(self, sticky: float, seeds: list[int]) -> None:
        """Raise UserError where the emulator reads another probability or other seeds.

        Args:
            sticky: The probability of repeating an action, which the emulator keeps with six digits.
            seeds: Seeds of games.
        """
        self._ale.setFloat("repeat_action_probability", sticky)
        taken = self._ale.getFloat("repeat_action_probability")
        check_taken("ale-py", "probability of sticky actions", round(taken, 6), round(sticky, 6), 2e-5 * sticky)
        for seed in seeds:
            self._ale.setInt("random_seed", seed)
            check_taken("ale-py", "seed", self._ale.getInt("random_seed"), seed)
