"""`rlbench watch`: an agent at work, a recorded episode played again, or the trace of a game."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from rlbench.commands.shared import display, watch_sources
from rlbench.commands.shared.output import Format, remark, silent
from rlbench.errors import UserError
from rlbench.harness.results import record
from rlbench.harness.tasks.task import Task
from rlbench.interact import trace, watch
from rlbench.interact.episode import make, short_name
from rlbench.interact.screen import KEYS, Screen
from rlbench.interact.view import View
from rlbench.progress import progress

PICTURE = Path("watch.png")
MOST_LANES = 100


@dataclass(frozen=True)
class WatchOptions:
    """Watch an agent, a row of the leaderboard, or a trace."""

    what: Positional[str]
    """A submission's folder or `random`; a record of results, results/<task>/<agent>.jsonl; or a trace."""
    task: str | None = None
    """Task for a submission, cart-pole@1, or an environment's id; by default the first that it lists."""
    episode: int = 0
    """Number of the episode, the first one where there are several."""
    episodes: int | None = None
    """How many episodes; by default as many as there are lanes."""
    lanes: int = 1
    """How many at once, as a grid."""
    submission: Path | None = None
    """Folder of the submission that a record is of, where it is not found by its digest."""
    speed: float = 1.0
    """How many times as fast as the environment's own pace."""
    set: tuple[str, ...] = ()
    """Arguments of an environment that is no task: --set maze=8x8 slip=0.1."""
    record: Path | None = None
    """Record a film (.mp4, .gif), or a filmstrip of each episode (.png)."""
    frames: int | None = None
    """Frames of a filmstrip; 5 by default."""
    panel: bool = True
    """Record the panel beside the frame too."""
    window: bool = True
    """Open a window where there is a display."""
    quiet: bool = False
    """Print nothing but mistakes."""
    format: Format = "table"


def run(options: WatchOptions) -> int:
    """Show it, and print a row per episode; 1 where an episode is not the recorded one, else 0."""
    check(options)
    kind = kind_of(Path(options.what))
    if kind == "trace":
        return run_trace(Path(options.what), options)
    show = watch_sources.recorded(Path(options.what), options) if kind == "header" else watch_sources.chosen(options)
    rows, left = play(show, options)
    display.print_episodes(rows, options)
    wrong = [row for row in rows if row.get("as_recorded") is False]
    if left:
        remark("the window was closed before the end", options)
    return int(bool(wrong))


def check(options: WatchOptions) -> None:
    """UserError for a mistake that shows before anything begins."""
    display.check_speed(options.speed)
    if not 1 <= options.lanes <= MOST_LANES:
        raise UserError(f"--lanes is 1 to {MOST_LANES}, got {options.lanes}")
    if options.episodes is not None and options.episodes < 1:
        raise UserError(f"--episodes is at least 1, got {options.episodes}")
    if options.episode < 0:
        raise UserError(f"--episode counts from 0, got {options.episode}")
    display.check_record(options.record, options.frames)


def kind_of(path: Path) -> str:
    """What a file is by its first line: `trace`, `header` of a record; `submission` for all that is no file."""
    if path.suffix != ".jsonl" and not path.is_file():
        return "submission"
    try:
        with path.open("rb") as file:
            first = json.loads(file.readline(1 << 20))
        kind = first["kind"]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        kind = None
    if kind not in ("trace", "header"):
        raise UserError(f"{path} is neither a trace nor a record of results: its first line does not say so")
    return str(kind)


def play(show: watch_sources.Show, options: WatchOptions) -> tuple[list[dict[str, Any]], bool]:
    """A row per episode that was seen to its end, and whether the window was closed before all were."""
    name = short_name(show.task.env_id)
    fps = rate(show.task)
    rows: list[dict[str, Any]] = []
    left = False
    with stage(name, fps, options) as screen, progress(name, quiet=silent(options) or screen.window is not None) as bar:
        for number, (indices, seen, seed) in enumerate(show.blocks):
            bar(number / len(show.blocks), len(rows), "episodes")
            gallery = watch.Gallery(show.task, show.entrant, indices, seen, screen, options.panel)
            try:
                played = {episode.index: episode for episode in gallery.play(seed)}
            except watch.Left:
                left = True
                break
            finally:
                screen.end_episode()
            rows += [row(played[index], show.lines.get(index)) for index in seen]
    display.report(screen.recorder, screen.written, options)
    return rows, left


def rate(task: Task) -> float:
    """Steps per second of an environment at its own pace."""
    env = make(task.env_id, dict(task.env_kwargs))
    env.close()
    return float(env.metadata.get("render_fps", 30))


def stage(name: str, fps: float, options: WatchOptions) -> Any:
    """The screen; without a display, and without a recording, a filmstrip in its place."""
    if not options.window:
        return display.screen(name, fps, options.speed, None, options.record, options.frames)
    window, reason = display.window_for(name, fps)
    path = options.record
    if window is None:
        instead = "no window" if path else f"recording to {PICTURE} instead"
        remark(f"{reason}: {instead}", options)
        path = path or PICTURE
    return display.screen(name, fps, options.speed, window, path, options.frames)


def row(episode: record.EpisodeResult, line: dict[str, Any] | None) -> dict[str, Any]:
    """What is printed of an episode."""
    made = {
        "episode": episode.index,
        "seed": episode.seed,
        "return": episode.return_,
        "length": episode.length,
        "ended": display.ending(
            episode.terminated, episode.truncated, "" if episode.status == "ok" else episode.status
        ),
        "actions": episode.actions,
    }
    if line is not None:
        wrong = episode.differences(line)
        made |= {"as_recorded": not wrong, "difference": "; ".join(wrong) or None}
    return made


def run_trace(path: Path, options: WatchOptions) -> int:
    """Play a trace again; 1 where it comes out otherwise than it says."""
    recording = trace.load(path)
    steps = trace.replay(recording, path)
    episode = next(steps)
    with stage(episode.name, float(episode.env.metadata.get("render_fps", 30)), options) as screen:
        show_trace(steps, episode, screen, options)
    display.report(screen.recorder, screen.written, options)
    wrong = trace.differences(recording, episode)
    complete = len(episode.rewards) == len(recording.actions)
    end = trace.outcome(episode)
    made = {
        "episode": 0,
        "seed": episode.seed,
        "return": end["return"],
        "length": end["length"],
        "ended": display.ending(episode.terminated, episode.truncated),
        "actions": end["digest"],
        "as_recorded": not wrong if complete else None,
        "difference": "; ".join(wrong) or None if complete else None,
    }
    display.print_episodes([made], options)
    return int(complete and bool(wrong))


def show_trace(steps: Iterator[Any], episode: Any, screen: Screen, options: WatchOptions) -> None:
    """Every step of a trace, until the window is closed."""
    view = View(screen, KEYS, options.panel)
    view.record(episode)
    view.wait(episode)
    for step in steps:
        view.record(step)
        view.wait(step)
        if screen.closed:
            return
    screen.end_episode()
    for _ in range(round(watch.LINGER * screen.fps) if screen.window is not None else 0):
        view.wait(episode)
