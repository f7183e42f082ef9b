"""`rlbench play`: an environment in a window, played by hand with keys and mouse."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from gymnasium.error import DependencyNotInstalled
from tyro.conf import Positional

from rlbench.commands.shared import display
from rlbench.commands.shared.display import DisplayOptions
from rlbench.commands.shared.lookup import env_kwargs, find_environment
from rlbench.commands.shared.output import Format, Quiet, remark
from rlbench.environments import short_name
from rlbench.errors import UserError
from rlbench.interact import trace
from rlbench.interact.episode import ShownEpisode, make
from rlbench.interact.play import HumanPlay
from rlbench.interact.screen import WindowLike, free_path, open_window
from rlbench.interact.scripted_keys import ScriptedKeys

PICTURE = Path("play.png")


@dataclass(frozen=True)
class PlayOptions:
    """Play an environment by hand; the window shows the keys."""

    env: Annotated[Positional[str], tyro.conf.arg(metavar="ENV")]
    """Environment: GridWorld, CartPole, a full id such as rlbench/GridWorld-v0, or a task such as cart-pole@1."""
    seed: int = 0
    """Seed of the first episode; the next one has the next."""
    episodes: int | None = None
    """End after so many; by default when the window is closed."""
    set: tuple[str, ...] = ()
    """Arguments of the environment: --set maze=8x8 slip=0.1."""
    options: tuple[str, ...] = ()
    """Options of every reset: --options colour=1 for White in Go."""
    display: Annotated[DisplayOptions, tyro.conf.arg(name="")] = field(default_factory=DisplayOptions)
    trace: Path | None = None
    """Save a trace of each episode, which `rlbench watch` plays again; the second one as <name>-2, and so on."""
    keys: tuple[str, ...] = ()
    """Press these keys instead of opening a window: right*20 left - (for none)."""
    quiet: Quiet = False
    """Print nothing but mistakes."""
    format: Format = "table"


def run(options: PlayOptions) -> int:
    """Play, and print a row per episode; 0. Raises UserError for what cannot be played."""
    check(options)
    env_id, kwargs = find_environment(options.env)
    env = make(env_id, kwargs | env_kwargs(options.set))
    with contextlib.closing(env), display.episode_table(options) as rows:
        fps = float(env.metadata.get("render_fps", 30))
        window, reason = player_window(short_name(env_id), fps, options)
        episodes = without_window(env, reason, options) if window is None else play(env, window, fps, options)
        for episode in episodes:
            rows.append(display.episode_row(len(rows), episode.seed, trace.outcome(episode)))
    return 0


def player_window(name: str, fps: float, options: PlayOptions) -> tuple[WindowLike | None, str]:
    """A window, or None and the reason why there is none. UserError without pygame, and no keys given.

    Args:
        name: of the environment.
        fps: steps per second of the environment at its own pace.
        options: of the command.
    """
    if options.keys:
        return ScriptedKeys(options.keys), ""
    try:
        return open_window(name, fps)
    except DependencyNotInstalled as error:
        raise UserError(f"{error}, or give --keys") from None


def check(options: PlayOptions) -> None:
    """Raise UserError for a mistake that shows before anything begins."""
    options.display.check()
    if options.episodes is not None and options.episodes < 1:
        raise UserError(f"--episodes is at least 1, got {options.episodes}")
    if options.seed < 0:
        raise UserError(f"--seed is at least 0, got {options.seed}")
    if options.trace is not None:
        trace.check(options.trace)


def reset_options(options: PlayOptions) -> dict[str, Any] | None:
    """The options of a reset from --options; None where there are none."""
    return env_kwargs(options.options, "options") or None


def play(env: Any, window: WindowLike, fps: float, options: PlayOptions) -> Iterator[ShownEpisode]:
    """Play until the player leaves, or `--episodes` are over; each episode is yielded when it was played.

    Args:
        env: the environment, with rgb_array frames.
        window: gives the keys and the mouse.
        fps: steps per second of the environment at its own pace.
        options: of the command.
    """
    save_trace, saved = trace_saver(options, short_name(env.spec.id))
    with display.open_screen(fps, window, options.display) as screen:
        game = HumanPlay(env, screen, options.display.panel, save_trace, reset_options(options))
        for episode in game.play(options.seed, options.episodes):
            yield episode
            if options.trace is not None:
                save_trace(episode)
    display.report(screen, options, saved)


def trace_saver(options: PlayOptions, name: str) -> tuple[Callable[[ShownEpisode], str], list[Path]]:
    """A function that saves the trace of an episode and returns the file's name, and the list of the files so far."""
    saved: list[Path] = []

    def save(episode: ShownEpisode) -> str:
        if options.trace is None:
            path = free_path(Path(), name.lower(), ".trace.jsonl")
        else:
            stem = options.trace.stem
            path = options.trace.with_stem(f"{stem}-{len(saved) + 1}") if saved else options.trace
        trace.save(episode, path)
        saved.append(path)
        return path.name

    return save, saved


def without_window(env: Any, reason: str, options: PlayOptions) -> list[ShownEpisode]:
    """Write the picture that a player would see first, say why there is no window, and return the unplayed episode."""
    path = options.display.record or PICTURE
    shown = dataclasses.replace(options.display, speed=1.0, record=path)
    with display.open_screen(1.0, ScriptedKeys(["-"]), shown) as screen:
        game = HumanPlay(env, screen)
        episode = ShownEpisode(env, options.seed, reset_options(options), player="nobody", by_hand=True)
        screen.record(lambda: game.view.picture(episode, with_panel=True))
    remark(f"{reason}: wrote the first frame to {path} instead; set DISPLAY, or give --keys", options)
    return [episode]
