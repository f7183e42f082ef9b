"""`rlbench play`: an environment in a window, played by hand with keys and mouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from rlbench.commands.shared import display
from rlbench.commands.shared.output import Format, remark
from rlbench.commands.show import find_id
from rlbench.errors import UserError
from rlbench.interact import trace
from rlbench.interact.episode import Episode, make, short_name
from rlbench.interact.play import Game
from rlbench.interact.screen import Window, free_path
from rlbench.interact.scripted_keys import Script

PICTURE = Path("play.png")


@dataclass(frozen=True)
class PlayOptions:
    """Play an environment by hand; the window shows the keys."""

    env: Positional[str]
    """Environment: GridWorld, CartPole, or a full id such as rlbench/GridWorld-v0."""
    seed: int = 0
    """Seed of the first episode; the next one has the next."""
    episodes: int | None = None
    """End after so many; by default when the window is closed."""
    speed: float = 1.0
    """How many times as fast as the environment's own pace."""
    set: tuple[str, ...] = ()
    """Arguments of the environment: --set maze=8x8 slip=0.1."""
    record: Path | None = None
    """Record a film (.mp4, .gif), or a filmstrip of each episode (.png)."""
    frames: int | None = None
    """Frames of a filmstrip; 5 by default."""
    panel: bool = True
    """Record the panel beside the frame too."""
    trace: Path | None = None
    """Save a trace of each episode, which `rlbench watch` plays again; the second one as <name>-2, and so on."""
    keys: tuple[str, ...] = ()
    """Press these keys instead of opening a window: right*20 left - (for none)."""
    quiet: bool = False
    """Print nothing but mistakes."""
    format: Format = "table"


def run(options: PlayOptions) -> int:
    """Play, and print a row per episode; 0. Raises UserError for what cannot be played."""
    check(options)
    env_id = find_id(options.env)
    env = make(env_id, display.settings(options.set))
    try:
        fps = float(env.metadata.get("render_fps", 30))
        window, reason = (Script(options.keys), "") if options.keys else display.window_for(short_name(env_id), fps)
        if window is None:
            return unseen(env, options, reason)
        episodes = play(env, window, fps, options)
    finally:
        env.close()
    display.print_episodes([row(number, episode) for number, episode in enumerate(episodes)], options)
    return 0


def check(options: PlayOptions) -> None:
    """UserError for a mistake that shows before anything begins."""
    display.check_speed(options.speed)
    if options.episodes is not None and options.episodes < 1:
        raise UserError(f"--episodes is at least 1, got {options.episodes}")
    if options.seed < 0:
        raise UserError(f"--seed is at least 0, got {options.seed}")
    display.check_record(options.record, options.frames)


def play(env: Any, window: Window, fps: float, options: PlayOptions) -> list[Episode]:
    """The episodes that were played."""
    name = short_name(env.spec.id)
    keep, saved = keeper(options, name)
    episodes: list[Episode] = []
    with display.screen(name, fps, options.speed, window, options.record, options.frames) as screen:
        for episode in Game(env, screen, options.panel, keep).play(options.seed, options.episodes):
            episodes.append(episode)
            if options.trace is not None:
                keep(episode)
    display.report(screen.recorder, [*screen.written, *saved], options)
    return episodes


def keeper(options: PlayOptions, name: str) -> tuple[Callable[[Episode], str], list[Path]]:
    """A function that saves the trace of an episode and returns its file's name, and the list of those files."""
    saved: list[Path] = []

    def keep(episode: Episode) -> str:
        if options.trace is None:
            path = free_path(Path(), f"{name.lower()}", ".trace.jsonl")
        else:
            same_name = options.trace.with_stem(f"{options.trace.stem}-{len(saved) + 1}")
            path = same_name if saved else options.trace
        trace.save(episode, path)
        saved.append(path)
        return path.name

    return keep, saved


def unseen(env: Any, options: PlayOptions, reason: str) -> int:
    """Without a window nobody can play: write what the player would see first, and say so."""
    path = options.record or PICTURE
    with display.screen("", 1.0, 1.0, Script(["-"]), path, options.frames) as screen:
        game = Game(env, screen)
        episode = Episode(env, options.seed, player="nobody", by_hand=True)
        screen.record(lambda: game.view.picture(episode, panelled=True))
    remark(f"{reason}: wrote the first frame to {path} instead; set DISPLAY, or give --keys", options)
    display.print_episodes([row(0, episode)], options)
    return 0


def row(number: int, episode: Episode) -> dict[str, Any]:
    """What is printed of an episode."""
    end = trace.outcome(episode)
    return {
        "episode": number,
        "seed": episode.seed,
        "return": end["return"],
        "length": end["length"],
        "ended": display.ending(episode.terminated, episode.truncated),
        "actions": end["digest"],
    }
