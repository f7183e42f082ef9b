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
* The probability of sticky actions is kept as text and read at every seeded reset by the locale of the process, so that
  a decimal comma makes 0 of 0.25; here it is read in the C locale, and the reading is checked.
* Its games cannot be copied. They are functions of the seeds and actions since all were seeded, so that `history` keeps
  those, and a copy plays them again.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench import children
from rlbench.envs.atari.ale_bindings import SEEDS, SettingsReader, import_ale_py, rom_path, screen_size
from rlbench.envs.atari.cpu_affinity import on_one_core, threads_of_process
from rlbench.envs.atari.history import NOT_RESET, History, State
from rlbench.envs.atari.protocol import Protocol
from rlbench.errors import check_taken
from rlbench.process import system

STACK, SIDE = 4, 84  # frames in an observation, and pixels on a side of each
ALL_ACTIONS = 18  # nine positions of the joystick, with and without its button

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
        self._arguments = game, protocol, num_envs, same_step, threads, colour
        self._protocol, self._num_envs = protocol, num_envs
        self._history = History(num_envs)
        self._open()
        self.actions: tuple[str, ...] = tuple(action.name for action in self._ale.get_action_set())

    def _open(self) -> None:
        """Start the emulator, and play the history again."""
        game, protocol, num_envs, same_step, threads, colour = self._arguments
        ale_py = import_ale_py()
        rom = rom_path(game)
        height, width = screen_size(rom) if colour else (SIDE, SIDE)
        others = threads_of_process()
        with system.numeric_locale():
            ale: Any = ale_py.ALEVectorInterface(
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
        shape = (1, height, width, 3) if colour else (STACK, height, width)
        check_taken("ale-py", "number of games", ale.get_num_envs(), num_envs)
        check_taken("ale-py", "shape of observations", tuple(ale.get_observation_shape()), shape)
        if protocol.full_actions:
            check_taken("ale-py", "number of actions", len(ale.get_action_set()), ALL_ACTIONS)
        self._strengths = np.ones(num_envs, np.float32)
        self._exchange: Any = on_one_core(threads_of_process() - others, partial(exchange, ale))
        self._ale: Any = ale
        self._settings, self._unchecked = SettingsReader(), False
        children.call_after_fork(self)
        if self._history.has_begun:
            self.restore(self._history.state)

    def close(self) -> None:
        """End the emulator's threads; the next call starts it anew, where it was."""
        self._ale = self._exchange = None

    def after_fork(self) -> None:
        """A forked process has none of the emulator's threads, and starts it anew."""
        children.never_delete(self._ale)
        self.close()

    def reset(self, which: Integers, seeds: Integers) -> Outcome:
        """Begin an episode in the games of these numbers; no game has ended or won points in the outcome.

        Args:
            which: Numbers of games, int64[n]; all of them in the first reset.
            seeds: Their seeds, int64[n]; -1 goes on with the game's stream, and must not come in the first reset.
        """
        num_envs = self._num_envs
        seeded = seeds[seeds >= 0]
        if len(seeded) == num_envs:
            self._history.forget()  # what was played before does not matter any more
        if self._ale is None:
            self._open()
        with system.numeric_locale():
            observations, info = self._ale.reset(which, seeds)
            self._settings.check(float(self._protocol.sticky), seeded.tolist())
        self._history.add_reset(which, seeds)
        self._frames, self._unchecked = info["episode_frame_number"], len(which) == num_envs
        none, nowhere = np.zeros(num_envs), np.zeros(num_envs, np.bool_)
        return Outcome(observations, none, nowhere, nowhere.copy(), info["lives"], info["episode_frame_number"], None)

    def step(self, actions: Integers) -> Outcome:
        """Step all games. The arrays are new ones in every step."""
        if self._ale is None:
            self._open()
        observations, scores, terminated, truncated, info = self._exchange(actions, self._strengths)
        self._history.add_step(actions)
        frames = info["episode_frame_number"]
        if self._unchecked:
            self._check_frame_skip(frames[~(terminated | truncated)], self._frames[~(terminated | truncated)])
        final = info.get("final_obs")
        return Outcome(observations, scores.astype(np.float64), terminated, truncated, info["lives"], frames, final)

    def _check_frame_skip(self, after: NDArray[np.int32], before: NDArray[np.int32]) -> None:
        """Raise UserError where the first step after a reset took other than `frame_skip` frames in a game."""
        self._unchecked = False
        for taken in (after - before).tolist():
            check_taken("ale-py", "number of frames in a step", taken, int(self._protocol.frame_skip))

    @property
    def state(self) -> State:
        """The state of all games; `restore` leads back to it."""
        return self._history.state

    def restore(self, state: State) -> Outcome:
        """Go to a state by playing its history, which takes as long as it took; it is checked before.

        Returns:
            The outcome of its last step or reset, in which those games have terminated whose episode has ended.
        """
        self._history.forget()
        over = np.zeros(self._num_envs, np.bool_)
        played = 0
        for seeds, before in zip(state.seeds, state.steps.tolist(), strict=True):
            for actions in state.actions[played:before].astype(np.int64):
                outcome = self.step(actions)
                over = outcome.terminated | outcome.truncated
            which = np.flatnonzero(seeds != NOT_RESET)
            outcome = self.reset(which, seeds[which])
            over[which], played = False, before
        for actions in state.actions[played:].astype(np.int64):
            outcome = self.step(actions)
            over = outcome.terminated | outcome.truncated
        return outcome._replace(terminated=over, truncated=np.zeros_like(over))

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle holds: the arguments and the history, not the emulator's own memory."""
        return {"arguments": self._arguments, "state": self.state, "actions": self.actions}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self._arguments, self.actions = saved["arguments"], saved["actions"]
        _, self._protocol, self._num_envs, *_ = self._arguments
        self._history = History(self._num_envs, saved["state"])
        self._ale = None  # the first call opens it


def exchange(ale: Any, actions: Integers, strengths: NDArray[np.float32]) -> Any:
    """Send actions, int64[N], and their strengths to the emulator's threads, and wait for what they return."""
    ale.send(actions, strengths)
    return ale.recv()
