"""`rlbench watch`: an agent at work, a recorded episode played again, or the trace of a game."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from rlbench.commands import outlet
from rlbench.commands.show import find_id
from rlbench.commands.tables import require_one_format
from rlbench.errors import UserError
from rlbench.harness import record, submission
from rlbench.harness.evaluate import agent_seed
from rlbench.harness.submission import Submission
from rlbench.harness.suite import TASKS, get_task
from rlbench.harness.task import Task
from rlbench.progress import progress
from rlbench.see import recorder, trace, watch
from rlbench.see.episode import make, short_name
from rlbench.see.screen import KEYS, Screen
from rlbench.see.view import View

PICTURE = Path("watch.png")
MOST_LANES = 100
KEPT = ("baselines/pretrained/*/*", "runs/*/training/*/*/submission", "runs/train/*/submission")
"""Where submissions are looked for by their digest."""


@dataclass(frozen=True)
class Options:
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
    frames: int = 5
    """Frames of a filmstrip."""
    panel: bool = True
    """Record the panel beside the frame too."""
    window: bool = True
    """Open a window where there is a display."""
    quiet: bool = False
    """Print nothing but mistakes."""
    json: bool = False
    """Print the table of episodes as JSON."""
    csv: bool = False
    """Print the table of episodes as CSV."""


@dataclass(frozen=True)
class Show:
    """Blocks to play: a task, a submission, and for each block its episodes, those to be seen, and the agent's seed."""

    task: Task
    entrant: Submission
    blocks: tuple[tuple[Sequence[int], Sequence[int], int], ...]
    lines: dict[int, dict[str, Any]]
    """What the record says of the episodes, where there is one."""


def run(options: Options) -> int:
    """Show it, and print a row per episode; 1 where an episode is not the recorded one, else 0."""
    check(options)
    kind = kind_of(Path(options.what))
    if kind == "trace":
        return run_trace(Path(options.what), options)
    show = recorded(Path(options.what), options) if kind == "header" else chosen(options)
    rows, left = play(show, options)
    outlet.print_episodes(rows, options)
    wrong = [row for row in rows if row.get("as_recorded") is False]
    if left:
        outlet.say("the window was closed before the end", quiet(options))
    return int(bool(wrong))


def check(options: Options) -> None:
    """UserError for a mistake that shows before anything begins."""
    require_one_format(json=options.json, csv=options.csv)
    outlet.check_speed(options.speed)
    if not 1 <= options.lanes <= MOST_LANES:
        raise UserError(f"--lanes is 1 to {MOST_LANES}, got {options.lanes}")
    if options.episodes is not None and options.episodes < 1:
        raise UserError(f"--episodes is at least 1, got {options.episodes}")
    if options.episode < 0:
        raise UserError(f"--episode counts from 0, got {options.episode}")
    if options.record is not None:
        recorder.check(options.record)


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


def chosen(options: Options) -> Show:
    """A submission on a task, or on an environment that is none."""
    entrant = submission.read(options.what)
    task = task_for(entrant, options)
    indices = range(options.episode, options.episode + (options.episodes or options.lanes))
    if task.version and indices.stop > task.episodes:
        raise UserError(f"{task.key} has episodes 0 to {task.episodes - 1}, not {indices.stop - 1}")
    parts = [indices[i : i + options.lanes] for i in range(0, len(indices), options.lanes)]
    blocks = tuple((part, part, agent_seed(task, entrant.training_seed, part[0])) for part in parts)
    return Show(task, entrant, blocks, {})


def task_for(entrant: Submission, options: Options) -> Task:
    """The task that is named, or the first that the submission lists; a task of its own for an environment's id."""
    if options.task is None:
        listed = [task for task in TASKS.values() if entrant.plays(task)]
        if not listed or "*" in entrant.tasks:
            raise UserError(f"which task? give --task, one of {', '.join(TASKS)}, or an environment's id")
        return listed[0]
    if options.task in TASKS or options.task in {task.name for task in TASKS.values()}:
        if options.set:
            raise UserError("--set is for environments; a task has its arguments already")
        return get_task(options.task)
    try:
        env_id = find_id(options.task)
    except UserError:
        return get_task(options.task)  # whose error names the tasks that are near
    return watch.on_environment(env_id, outlet.settings(options.set), options.episode + options.lanes)


def recorded(path: Path, options: Options) -> Show:
    """Episodes of a record, with the blocks that they were played in, for the batch decides a network's last bits."""
    run = record.read(path)
    assert run is not None, path
    task = get_task(str(run.header["task"]))
    if task.hash != run.header["task_hash"]:
        raise UserError(f"{path} was played on another {task.key} than this rlbench has; nothing of it can be repeated")
    wanted = range(options.episode, options.episode + (options.episodes or options.lanes))
    if wanted.stop > len(run.episodes):
        raise UserError(f"{path} has episodes 0 to {len(run.episodes) - 1}, not {wanted.stop - 1}")
    entrant = submission_of(run.header, path, options)
    lines = {i: {k: v for k, v in run.episodes[i].items() if k != "block"} for i in wanted}
    blocks = []
    for number in range(task.blocks):
        inside = [index for index in wanted if index in task.block(number)]
        seed = agent_seed(task, entrant.training_seed, number)
        parts = [inside[i : i + options.lanes] for i in range(0, len(inside), options.lanes)]
        blocks += [(task.block(number), part, seed) for part in parts]
    return Show(task, entrant, tuple(blocks), lines)


def submission_of(header: Any, path: Path, options: Options) -> Submission:
    """The submission that a record is of, found by its digest."""
    if options.submission is not None:
        entrant = submission.read(str(options.submission))
        if entrant.digest != header["digest"]:
            raise UserError(
                f"{options.submission} has digest {entrant.digest[:12]}, {path} is of {header['digest'][:12]}"
            )
        return entrant
    for folder in candidates(str(header["agent"])):
        if submission.digest(folder) == header["digest"]:
            return submission.read(folder)
    raise UserError(
        f"no submission with digest {header['digest'][:12]} under baselines/pretrained or runs; "
        f"give the folder of {header['agent']} {header['version']} with --submission"
    )


def candidates(agent: str) -> Iterator[Path]:
    """Folders that may hold a submission of that name."""
    if agent in submission.builtins():
        yield submission.BUILTIN / agent
    for root in dict.fromkeys((Path(), Path(__file__).resolve().parents[2])):
        for pattern in KEPT:
            yield from sorted(p for p in root.glob(pattern) if agent in p.as_posix() and p.is_dir())


def play(show: Show, options: Options) -> tuple[list[dict[str, Any]], bool]:
    """A row per episode that was seen to its end, and whether the window was closed before all were."""
    silent = quiet(options)
    name = short_name(show.task.env_id)
    fps = rate(show.task)
    rows: list[dict[str, Any]] = []
    left = False
    with stage(name, fps, options) as screen, progress(name, quiet=silent or screen.window is not None) as bar:
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
    outlet.report(screen.recorder, screen.written, silent)
    return rows, left


def rate(task: Task) -> float:
    """Steps per second of an environment at its own pace."""
    env = make(task.env_id, dict(task.env_kwargs))
    env.close()
    return float(env.metadata.get("render_fps", 30))


def stage(name: str, fps: float, options: Options) -> Any:
    """The screen; without a display, and without a recording, a filmstrip in its place."""
    if not options.window:
        return outlet.screen(name, fps, options.speed, None, options.record, options.frames)
    window, reason = outlet.window_for(name, fps)
    path = options.record
    if window is None:
        outlet.say(f"{reason}: recording to {path or PICTURE} instead", quiet(options))
        path = path or PICTURE
    return outlet.screen(name, fps, options.speed, window, path, options.frames)


def row(episode: record.Episode, line: dict[str, Any] | None) -> dict[str, Any]:
    """What is printed of an episode."""
    made = {
        "episode": episode.index,
        "seed": episode.seed,
        "return": episode.return_,
        "length": episode.length,
        "ended": outlet.ending(episode.terminated, episode.truncated, "" if episode.status == "ok" else episode.status),
        "actions": episode.actions,
    }
    if line is not None:
        wrong = watch.differences(line, episode)
        made |= {"as_recorded": not wrong, "difference": "; ".join(wrong) or None}
    return made


def run_trace(path: Path, options: Options) -> int:
    """Play a trace again; 1 where it comes out otherwise than it says."""
    recording = trace.load(path)
    steps = trace.replay(recording, path)
    episode = next(steps)
    with stage(episode.name, float(episode.env.metadata.get("render_fps", 30)), options) as screen:
        show_trace(steps, episode, screen, options)
    outlet.report(screen.recorder, screen.written, quiet(options))
    wrong = trace.differences(recording, episode)
    complete = len(episode.rewards) == len(recording.actions)
    end = trace.outcome(episode)
    made = {
        "episode": 0,
        "seed": episode.seed,
        "return": end["return"],
        "length": end["length"],
        "ended": outlet.ending(episode.terminated, episode.truncated),
        "actions": end["digest"],
        "as_recorded": not wrong if complete else None,
        "difference": "; ".join(wrong) or None if complete else None,
    }
    outlet.print_episodes([made], options)
    return int(complete and bool(wrong))


def show_trace(steps: Iterator[Any], episode: Any, screen: Screen, options: Options) -> None:
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


def quiet(options: Options) -> bool:
    """Whether nothing but mistakes and the table is wanted."""
    return options.quiet or options.json or options.csv
