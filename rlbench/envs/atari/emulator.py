"""The emulator: ale-py's C++ loop, which plays, preprocesses frames and stacks them for N games at once.

A step holds one action for `frame_skip` frames. Of the last two frames, in grey levels, each pixel is the larger; the
frame of 210x160 (a few games have more lines) is then reduced to 84x84, each pixel the mean of the area it covers
(OpenCV's INTER_AREA). An observation is the last four of these, oldest first; at the start of an episode the missing
ones are black. That is so in Mnih et al. (2015) and Castro et al. (2018), but for what `protocol` lists.

The loop was chosen because it holds two cores busy with no Python between frames, and because single games can run
through it as well, so that there is one implementation. What it does beyond the above, found by measuring:

* A step in which the game ends breaks off at once. The frame in which it ended is not seen: the last observation is
  made of the frames before it, and of those of the step before where fewer than two were taken.
* `noop_max` of its own counts 0 to noop_max - 1 frames, less one with `fire_reset`; here one more is asked for.
* Without a seed all games of a process seed the sticky actions by the clock, alike; here each is always seeded.
* A bad action ends the loop for good, and so are actions checked before; a cartridge without a game for one player
  ends the process.
* `episodic_life` restarts the game, so that an agent never sees its second life; it is not used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled, Error
from numpy.typing import NDArray

from rlbench.envs.atari.cpu_affinity import on_one_core, threads_of_process
from rlbench.envs.atari.protocol import Protocol
from rlbench.errors import UserError, unknown
from rlbench.registry import ATARI_GAMES

STACK, SIDE = 4, 84  # frames in an observation, and pixels on a side of each
SEEDS = 2**31  # seeds are below: the emulator takes 31 bits

Integers = NDArray[np.int64]


class Outcome(NamedTuple):
    """The result of a step of N games."""

    observations: NDArray[np.uint8]  # [N, 4, 84, 84]
    scores: NDArray[np.float64]  # [N], points won in this step
    terminated: NDArray[np.bool_]  # [N], the game is over
    truncated: NDArray[np.bool_]  # [N], `max_frames` were played and it is not
    lives: NDArray[np.int32]  # [N], 0 in games without; of the new episode where one began
    frames: NDArray[np.int32]  # [N], played in the episode, those without action included; likewise
    final: NDArray[np.uint8] | None  # [N, 4, 84, 84], of `same_step` alone, and set where an episode ended


class Games:
    """N copies of one game in the emulator's own threads.

    Args:
        game: The name of the cartridge.
        protocol: What an agent sees of it, and what an episode is.
        num_envs: N.
        same_step: Whether a game that ended begins anew in that step, not in the next, whose action is then ignored.
        threads: How many threads emulate; 0 for one per core, N at most.
        colour: Whether observations are the screen itself, uint8[N, 1, H, W, 3]; nothing else differs.

    Raises:
        UserError: The game is unknown, or its cartridge missing.
        DependencyNotInstalled: ale-py is not installed.
    """

    def __init__(
        self,
        game: str,
        protocol: Protocol,
        num_envs: int,
        same_step: bool = False,
        threads: int = 0,
        colour: bool = False,
    ) -> None:
        ale_py = import_ale_py()
        rom = rom_path(game)
        height, width = screen_size(rom) if colour else (SIDE, SIDE)
        others = threads_of_process()
        self._ale: Any = ale_py.ALEVectorInterface(
            rom_path=rom,
            num_envs=num_envs,
            frame_skip=int(protocol.frame_skip),
            stack_num=1 if colour else STACK,
            img_height=height,
            img_width=width,
            grayscale=not colour,
            maxpool=protocol.max_pool and not colour,
            noop_max=int(protocol.noop_max) + 1,
            use_fire_reset=protocol.fire_reset,
            episodic_life=False,
            life_loss_info=False,
            reward_clipping=False,
            max_episode_steps=min(int(protocol.max_frames), SEEDS - 1),
            repeat_action_probability=float(protocol.sticky),
            full_action_space=protocol.full_actions,
            batch_size=num_envs,
            num_threads=threads,
            thread_affinity_offset=-1,
            autoreset_mode="SameStep" if same_step else "NextStep",
        )
        self.actions: tuple[str, ...] = tuple(action.name for action in self._ale.get_action_set())
        self._strengths = np.ones(num_envs, np.float32)
        self._exchange = on_one_core(threads_of_process() - others, partial(exchange, self._ale))

    def reset(self, which: Integers, seeds: Integers) -> Outcome:
        """Begin an episode in the games of these numbers; no game has ended or won points in the outcome.

        Args:
            which: Numbers of games, int64[n]; all of them in the first reset.
            seeds: Their seeds, int64[n]; -1 goes on with the game's stream, and must not come in the first reset.
        """
        observations, info = self._ale.reset(which, seeds)
        n = len(observations)
        none, nowhere = np.zeros(n), np.zeros(n, np.bool_)
        return Outcome(observations, none, nowhere, nowhere.copy(), info["lives"], info["episode_frame_number"], None)

    def step(self, actions: Integers) -> Outcome:
        """Step all games. The arrays are new ones in every step."""
        observations, scores, terminated, truncated, info = self._exchange(actions, self._strengths)
        return Outcome(
            observations,
            scores.astype(np.float64),
            terminated,
            truncated,
            info["lives"],
            info["episode_frame_number"],
            info.get("final_obs"),
        )


def exchange(ale: Any, actions: Integers, strengths: NDArray[np.float32]) -> Any:
    """Send actions, int64[N], and their strengths to the emulator's threads, and wait for what they return."""
    ale.send(actions, strengths)
    return ale.recv()


def import_ale_py() -> Any:
    """The emulator's package, or DependencyNotInstalled saying how to get it."""
    try:
        import ale_py
    except ImportError as error:
        raise DependencyNotInstalled('Atari games need ale-py: pip install "rlbench[atari]"') from error
    return ale_py


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


def screen_size(rom: Path) -> tuple[int, int]:
    """Height and width of the game's screen in pixels."""
    ale_py = import_ale_py()
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale = ale_py.ALEInterface()
    ale.loadROM(rom)
    height, width = ale.getScreenDims()
    return height, width


def check_seeds(seeds: Sequence[int | None]) -> list[int | None]:
    """The seeds themselves; raises Error where one has more than the emulator's 31 bits."""
    for seed in seeds:
        if seed is not None and seed >= SEEDS:
            raise Error(f"a seed of Atari games is below 2**31, which the emulator can hold; got {seed}")
    return list(seeds)
