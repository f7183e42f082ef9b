"""The table of environments, from which Gymnasium's registry, the commands and the conformance tests derive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium


@dataclass(frozen=True)
class Environment:
    """A row of the table: an id, its rules module, and what Gymnasium registers."""

    id: str
    rules: str | None  # dotted name of the rules module; None where somebody else's simulator has the rules
    max_episode_steps: int | None  # None where the rules themselves end every episode
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    render: str | None = None  # dotted name of the render module; by default the rules module's sibling `render`
    reward_threshold: float | None = None  # the mean return that counts as solved
    tags: tuple[str, ...] = ()
    entry_point: str = "rlbench.core.env:RulesEnv"
    vector_entry_point: str = "rlbench.core.batch:make_batch"


def atari_id(game: str) -> str:
    """The id of a cartridge: `space_invaders` is `rlbench/AtariSpaceInvaders-v0`."""
    return f"rlbench/Atari{game.title().replace('_', '')}-v0"


def _atari(game: str) -> Environment:
    """The row of a game; how long an episode may be is a field of its protocol, counted in frames."""
    entry_points = ("rlbench.envs.atari.env:AtariEnv", "rlbench.envs.atari.vector:AtariVectorEnv")
    return Environment(atari_id(game), None, None, {"game": game}, None, None, ("atari",), *entry_points)


GRID = "rlbench.envs.grid_world.rules"
GLIMPSE = "rlbench.envs.glimpse.rules"
CART_POLE = "rlbench.envs.cart_pole.rules"
GO = "rlbench.envs.go.rules"
WIDE = {"size": 60, "patch": 12, "scales": 3}
WIDEST = {"size": 100, "patch": 12, "scales": 4, "clutter": 8}


def _robot(name: str, robot: str) -> Environment:
    return Environment(
        f"rlbench/{name}-v0",
        rules=None,
        max_episode_steps=1000,
        kwargs={"robot": robot},
        tags=("locomotion",),
        entry_point="rlbench.envs.locomotion.env:LocomotionEnv",
        vector_entry_point="rlbench.envs.locomotion.vector:LocomotionVectorEnv",
    )


def _go(size: int) -> Environment:
    """The row of a board; how long a game may be is an argument of the rules."""
    return Environment(
        f"rlbench/Go{size}x{size}-v0",
        rules=GO,
        max_episode_steps=None,
        kwargs={"size": size},
        tags=("go",),
        entry_point="rlbench.envs.go.env:GoEnv",
        vector_entry_point="rlbench.envs.go.engine_batch:make_batch",
    )


ATARI_GAMES = tuple(
    """
    adventure air_raid alien amidar assault asterix asteroids atlantis atlantis2 backgammon bank_heist basic_math
    battle_zone beam_rider berzerk blackjack bowling boxing breakout carnival casino centipede chopper_command
    crazy_climber crossbow darkchambers defender demon_attack donkey_kong double_dunk earthworld elevator_action
    enduro entombed et fishing_derby flag_capture freeway frogger frostbite galaxian gopher gravitar hangman
    haunted_house hero human_cannonball ice_hockey jamesbond journey_escape kaboom kangaroo keystone_kapers
    king_kong klax koolaid krull kung_fu_master laser_gates lost_luggage mario_bros miniature_golf montezuma_revenge
    mr_do ms_pacman name_this_game othello pacman phoenix pitfall pitfall2 pong pooyan private_eye qbert riverraid
    road_runner robotank seaquest sir_lancelot skiing solaris space_invaders space_war star_gunner superman surround
    tennis tetris tic_tac_toe_3d time_pilot trondead turmoil tutankham up_n_down venture video_checkers video_chess
    video_cube video_pinball wizard_of_wor word_zapper yars_revenge zaxxon
    """.split()  # noqa: SIM905  # formatted as a list it would take 104 lines
)
"""Every cartridge of ale-py that one player can play, as a literal, so that ids exist where ale-py does not."""

ENVIRONMENTS = (
    Environment("rlbench/GridWorld-v0", GRID, 200, tags=("tabular",)),
    Environment("rlbench/GridWorld8x8-v0", GRID, 500, {"maze": "8x8"}, tags=("tabular",)),
    Environment("rlbench/GridWorldFourRooms-v0", GRID, 500, {"maze": "four-rooms"}, tags=("tabular",)),
    Environment("rlbench/CartPole-v0", CART_POLE, 500, reward_threshold=475.0, tags=("control",)),
    Environment("rlbench/GlimpseMNIST-v0", GLIMPSE, None, tags=("attention",)),
    Environment("rlbench/GlimpseTranslated-v0", GLIMPSE, None, WIDE, tags=("attention",)),
    Environment("rlbench/GlimpseCluttered60-v0", GLIMPSE, None, {**WIDE, "clutter": 4}, tags=("attention",)),
    Environment("rlbench/GlimpseCluttered100-v0", GLIMPSE, None, WIDEST, tags=("attention",)),
    *(_go(size) for size in (5, 7, 9, 13, 19)),
    _robot("HalfCheetah", "half-cheetah"),
    _robot("Hopper", "hopper"),
    _robot("Walker2d", "walker2d"),
    _robot("Ant", "ant"),
    _robot("Humanoid", "humanoid"),
    _robot("Swimmer", "swimmer"),
    *(_atari(game) for game in ATARI_GAMES),
)


def register(environment: Environment) -> None:
    """Make a row known to Gymnasium, so that `make` and `make_vec` take its id.

    The environment adapters check order and actions themselves, so Gymnasium's checking wrappers are left out.

    Raises:
        TypeError: This is no row.
    """
    if not isinstance(environment, Environment):
        raise TypeError(f"register takes an rlbench.Environment, got {environment!r}")
    kwargs = dict(environment.kwargs)
    if environment.rules is not None:
        kwargs["rules"] = environment.rules
    if environment.render is not None:
        kwargs["render"] = environment.render
    gymnasium.register(
        environment.id,
        entry_point=environment.entry_point,
        vector_entry_point=environment.vector_entry_point,
        kwargs=kwargs,
        max_episode_steps=environment.max_episode_steps,
        reward_threshold=environment.reward_threshold,
        order_enforce=False,
        disable_env_checker=True,
    )


def register_all() -> None:
    """Register every row of the table that Gymnasium does not know yet."""
    for environment in ENVIRONMENTS:
        if environment.id not in gymnasium.registry:
            register(environment)
