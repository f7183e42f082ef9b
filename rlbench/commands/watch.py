"""`rlbench watch`: an agent plays, a recorded episode is played again, or the trace of a game."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from gymnasium.error import DependencyNotInstalled
from tyro.conf import Positional

from rlbench import environments
from rlbench.api.playlists import from_record, from_submission, kind_of, row, steps_per_second, wanted_tasks
from rlbench.commands.shared import display
from rlbench.commands.shared.display import DisplayOptions
from rlbench.commands.shared.lookup import env_kwargs
from rlbench.commands.shared.output import Format, Quiet, remark, silent
from rlbench.commands.shared.submissions import find_submission
from rlbench.environments import short_name
from rlbench.errors import UserError
from rlbench.interact import trace, watch
from rlbench.interact.layout import EpisodeView
from rlbench.interact.screen import KEYS, Screen, open_window
from rlbench.progress import progress

PICTURE = Path("watch.png")
MAX_ENVS = 100


@dataclass(frozen=True)
class WatchOptions:
    """Watch an agent, a row of the leaderboard, or a trace."""

    what: Annotated[Positional[str], tyro.conf.arg(metavar="WHAT")]
    """A submission's folder, an agent of the leaderboard, or `random`; a record of results,
    results/<task>/<agent>.jsonl; or a trace."""
    task: Annotated[str | None, tyro.conf.arg(aliases=["-t"])] = None
    """Task for a submission, cart-pole@1, or an environment's id; by default the first that it lists. For a trace,
    module:namespace/Name-v0, where a module registers its environment."""
    episode: int = 0
    """Number of the episode, the first one where there are several."""
    episodes: int | None = None
    """How many episodes; by default as many as there are environments."""
    num_envs: Annotated[int, tyro.conf.arg(aliases=["--lanes"])] = 1
    """How many environments at once, as a grid."""
    submission: Path | None = None
    """Folder of the submission that a record is of, where it is not found by its digest."""
    set: tuple[str, ...] = ()
    """Arguments of an environment that is no task: --set maze=8x8 slip=0.1."""
    display: Annotated[DisplayOptions, tyro.conf.arg(name="")] = field(default_factory=DisplayOptions)
    window: bool = True
    """Open a window where there is a display."""
    quiet: Quiet = False
    """Print nothing but mistakes."""
    format: Format = "table"

    @property
    def env_arguments(self) -> dict[str, Any]:
        """The arguments of `--set`, by name."""
        return env_kwargs(self.set)


def run(options: WatchOptions) -> int:
    """Show the episodes and print a row for each; 1 where one is not as recorded, else 0."""
    check(options)
    path = Path(options.what)
    kind = kind_of(path)
    refuse_what_is_not_for(kind, options)
    match kind:
        case "trace":
            return watch_trace(path, options)
        case "record":
            playlist = from_record(path, options)
        case _:
            folder = find_submission(options.what, wanted_tasks(options))
            if folder != options.what:
                remark(f"{options.what} is {folder}", options)
            playlist = from_submission(dataclasses.replace(options, what=folder))
    with display.episode_table(options) as rows:
        closed = play(playlist, options, rows)
    if closed:
        remark("the window was closed before the end", options)
    return int(any(row.get("as_recorded") is False for row in rows))


def check(options: WatchOptions) -> None:
    """Raise UserError for a mistake that shows before anything begins."""
    options.display.check()
    if not 1 <= options.num_envs <= MAX_ENVS:
        raise UserError(f"--num-envs is 1 to {MAX_ENVS}, got {options.num_envs}")
    if options.episodes is not None and options.episodes < 1:
        raise UserError(f"--episodes is at least 1, got {options.episodes}")
    if options.episode < 0:
        raise UserError(f"--episode counts from 0, got {options.episode}")


NOT_FOR = {
    "trace": ("task", "set", "submission", "episode", "episodes", "num_envs"),
    "record": ("task", "set"),
    "submission": ("submission",),
}
"""Options that say nothing about what is watched: a trace is one episode, and a record names its task.

For a trace --task may name the module that registers its environment, which no file may have imported.
"""


def refuse_what_is_not_for(kind: str, options: WatchOptions) -> None:
    """Raise UserError for an option that would be ignored.

    Args:
        kind: of what is watched.
        options: of the command.
    """
    usual = WatchOptions(options.what)
    for name in NOT_FOR[kind]:
        if name == "task" and kind == "trace" and ":" in str(options.task):
            continue
        if getattr(options, name) != getattr(usual, name):
            raise UserError(f"--{name.replace('_', '-')} is not for a {kind}, which {options.what} is; leave it out")


def play(playlist: watch.Playlist, options: WatchOptions, rows: list[dict[str, Any]]) -> bool:
    """Show all episodes; whether the window was closed before.

    Args:
        playlist: what to show.
        options: of the command.
        rows: gets a row per episode that was shown to its end.
    """
    task, name, fps = playlist.task, short_name(playlist.task.env_id), steps_per_second(playlist.task)
    closed = False
    with (
        open_screen(name, fps, options) as screen,
        progress(name, quiet=silent(options) or screen.window is not None) as bar,
    ):
        for number, (indices, shown, agent_seed) in enumerate(playlist.blocks):
            bar(number / len(playlist.blocks), len(rows), "episodes")
            block = watch.WatchedBlock(task, playlist.entrant, indices, shown, screen, options.display.panel)
            try:
                played = {episode.index: episode for episode in block.play(agent_seed)}
            except watch.WindowClosed:
                closed = True
                break
            finally:
                screen.end_episode()
            rows += [row(played[index], playlist.recorded.get(index)) for index in shown]
            if block.fault is not None:
                remark(f"the agent failed: {block.fault}", options)
    display.report(screen, options)
    return closed


def open_screen(name: str, fps: float, options: WatchOptions) -> AbstractContextManager[Screen]:
    """The screen; where no window can be opened and nothing is recorded, it records a filmstrip.

    Args:
        name: of the environment.
        fps: steps per second of the environment at its own pace.
        options: of the command.
    """
    shown = options.display
    window = None
    if options.window:
        try:
            window, reason = open_window(name, fps)
        except DependencyNotInstalled as error:
            if not shown.record:
                raise UserError(f"{error}, or give --no-window") from None
            reason = str(error)
        if window is None:
            instead = "recording only" if shown.record else f"recording to {PICTURE} instead"
            remark(f"{reason}: {instead}", options)
            shown = dataclasses.replace(shown, record=shown.record or PICTURE)
    return display.open_screen(fps, window, shown)


def watch_trace(path: Path, options: WatchOptions) -> int:
    """Play a trace again; 1 where it comes out otherwise than it says."""
    if options.task is not None:
        environments.find(options.task)  # imports the module that registers it
    recording = trace.load(path)
    steps = trace.replay(recording, path)
    episode = next(steps)
    fps = float(episode.env.metadata.get("render_fps", 30))
    with open_screen(episode.name, fps, options) as screen:
        view = EpisodeView(screen, KEYS, options.display.panel)
        watch.show_steps(view, episode, steps)
    display.report(screen, options)
    complete = len(episode.rewards) == len(recording.actions)
    different = trace.differences(recording, episode) if complete else []
    compared = {"as_recorded": not different if complete else None, "difference": "; ".join(different) or None}
    made = display.episode_row(0, episode.seed, trace.outcome(episode))
    display.print_episodes([made | compared], options)
    return int(bool(different))
