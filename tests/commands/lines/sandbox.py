"""The folder in which random command lines run: files to name, and a picture of the tree before and after."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import matplotlib

from rlbench.core.compiler.cache import cache_folder
from rlbench.harness.proposal import name_for
from tests.commands.lines.words import OUTPUT_OPTIONS

ROOT = Path(__file__).parents[3]

MANIFEST = """name = "{name}"
version = "1"
authors = ["A. Student"]
tasks = ["grid-world@1", "cart-pole@1"]
entry = "agent:load"
"""
AGENT = """
import numpy as np

class First:
    def act(self, observation, first):
        {act}

def load(task, spaces, seed):
    {load}
    return First()
"""
ZEROS = "return np.zeros(len(first), int)"
BROKEN = (  # manifest, act, load; None for a file that is not there
    (None, ZEROS, ""),
    ("name = ", ZEROS, ""),
    (MANIFEST.format(name="a name"), ZEROS, ""),
    (MANIFEST.format(name="broken").replace("grid-world@1", "nowhere@7"), ZEROS, ""),
    (MANIFEST.format(name="broken"), None, ""),
    (MANIFEST.format(name="broken"), "return (", ""),
    (MANIFEST.format(name="broken"), "raise ValueError('no')", ""),
    (MANIFEST.format(name="broken"), "return np.full(len(first), 99)", ""),
    (MANIFEST.format(name="broken"), "return 'left'", "print('hello' * 1000)"),
    (MANIFEST.format(name="broken").replace("agent:load", "rlbench:layers"), ZEROS, "raise SystemExit"),
)
TRACE_ENV = {"env": "rlbench/GridWorld-v0", "kwargs": {}, "seed": 0, "player": "hand"}
DEFAULTS = {
    "show": ("show",),
    "play": ("play", "gridworld", "cartpole"),
    "watch": ("watch",),
    "plot": ("plots",),
    "run": ("runs",),
    "train": ("runs",),
    "evaluate": ("results",),
    "leaderboard": ("leaderboard", "results/tasks"),
}
"""What a command writes into the working directory when no option says where; first parts of the names."""

Tree = dict[str, tuple[int, int, int]]


class Sandbox:
    """A folder with the working directory, HOME and TMPDIR of a command.

    Args:
        folder: is made, and filled; `renew` restores it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.work = folder, folder / "work"
        self._template = folder / "template"
        fill(self._template)
        self.environment = {
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "RLBENCH_CACHE": str(cache_folder()),
            "MPLCONFIGDIR": matplotlib.get_cachedir(),
        }
        self.renew()

    def renew(self) -> None:
        """Make everything as it was."""
        for name in ("work", "home", "tmp"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        shutil.copytree(self._template, self.work)
        os.mkfifo(self.work / "fifo")
        threading.Thread(target=drain, args=(self.work / "fifo",), daemon=True).start()
        (self.folder / "home").mkdir()
        (self.folder / "tmp").mkdir()

    def tree(self) -> Tree:
        """Size, time and mode of every file, by its path in the folder; of folders the mode alone."""
        found = {}
        for path in (each for name in ("work", "home", "tmp") for each in (self.folder / name).rglob("*")):
            stat = path.lstat()
            times = (0, 0) if path.is_dir() else (stat.st_size, stat.st_mtime_ns)
            found[str(path.relative_to(self.folder))] = (*times, stat.st_mode)
        return found

    def strays(self, before: Tree, argv: list[str]) -> list[str]:
        """What has changed outside the places that a command line names."""
        after = self.tree()
        changed = [path for path in {*before, *after} if before.get(path) != after.get(path)]
        places = [os.path.normpath(self.work / each) for each in named(argv)]
        return sorted(path for path in changed if not any(inside(str(self.folder / path), each) for each in places))


def named(argv: list[str]) -> list[str]:
    """The places that a command line names for its output, by option or by default."""
    places = list(DEFAULTS.get(argv[0], ()))
    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        if option.removeprefix("--") in OUTPUT_OPTIONS:
            places.append(value if equals else following)
    words = [word for word in argv[1:] if not word.startswith("-")]
    if argv[0] == "new-agent":  # the folder that it writes
        places += words
    if argv[0] == "new-task":  # a file named as the environment is, or as --name says
        places += [f"{name}.toml" for word in words for name in (word, name_for(word))]
    if argv[0] == "verify":  # what it found is kept beside the record
        places += ["results", *words]
    return [each for each in places if each]


def inside(path: str, place: str) -> bool:
    """Whether a path is the place, above it, below it, or beside it under a numbered name."""
    stem = os.path.splitext(place)[0]
    return place.startswith(f"{path}/") or path == place or path.startswith((f"{place}/", f"{stem}.", f"{stem}-"))


def drain(fifo: Path) -> None:
    """Read a fifo, so that whoever writes there is not kept waiting; ends when it is written and closed."""
    with open(fifo, "rb", buffering=0) as reader:
        while reader.read(65_536):
            pass


def fill(folder: Path) -> None:
    """Write the files that command lines name: good ones, broken ones, and what is no file."""
    for name in ("folder", "records/grid-world@1", "traces", "mazes", "agents", "runs"):
        (folder / name).mkdir(parents=True)
    (folder / "empty.txt").touch()
    (folder / "noise.bin").write_bytes(bytes(range(256)) * 8)
    (folder / "long.txt").write_bytes(b"x" * 1_000_000)
    (folder / "locked.txt").write_bytes(b"x")
    (folder / "locked.txt").chmod(0)
    fill_mazes(folder / "mazes")
    fill_records(folder / "records")
    shutil.copytree(folder / "records" / "grid-world@1", folder / "results" / "grid-world@1")
    fill_traces(folder / "traces")
    fill_agents(folder / "agents")
    fill_training_runs(folder / "runs" / "trained")


def fill_mazes(folder: Path) -> None:
    (folder / "good.txt").write_text("S..\n.#.\n..T\n", encoding="utf-8")
    (folder / "mark.txt").write_text("S..\n..T\n", encoding="utf-8-sig")
    (folder / "ragged.txt").write_text("S..\n.T\n", encoding="utf-8")


def fill_records(folder: Path) -> None:
    """A good record, and what is none."""
    source = next((ROOT / "results" / "grid-world@1").glob("value-iteration@*.jsonl"))
    lines = source.read_bytes().splitlines(keepends=True)
    (folder / "grid-world@1" / source.name).write_bytes(source.read_bytes())
    (folder / "of-value-iteration.jsonl").write_bytes(source.read_bytes())
    (folder / "cut.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:20])
    (folder / "no-header.jsonl").write_bytes(b"".join(lines[1:]))
    (folder / "other-schema.jsonl").write_text(json.dumps(json.loads(lines[0]) | {"schema": 999}), encoding="utf-8")
    (folder / "side.verify.jsonl").write_text('{"kind": "verified", "block": 0}\n', encoding="utf-8")


def fill_traces(folder: Path) -> None:
    """A trace, and one that is cut off."""
    from rlbench.interact import trace
    from rlbench.interact.episode import ShownEpisode, make

    env = make("rlbench/GridWorld-v0", {})
    episode = ShownEpisode(env, 0, player="hand")
    for action in (0, 3, 0, 3):
        if not episode.over:
            episode.step(action)
    trace.save(episode, folder / "good.jsonl")
    env.close()
    text = (folder / "good.jsonl").read_text(encoding="utf-8")
    (folder / "cut.jsonl").write_text("".join(text.splitlines(keepends=True)[:-1]), encoding="utf-8")


def fill_agents(folder: Path) -> None:
    """A submission that plays, one with data, and ten that are broken."""
    for i, (manifest, act, load) in enumerate((*BROKEN, (MANIFEST.format(name="good"), ZEROS, ""))):
        made = folder / (f"broken-{i}" if i < len(BROKEN) else "good")
        made.mkdir()
        if manifest is not None:
            (made / "submission.toml").write_text(manifest, encoding="utf-8")
        if act is not None:
            (made / "agent.py").write_text(AGENT.format(act=act, load=load or "pass"), encoding="utf-8")
    shutil.copytree(ROOT / "baselines" / "pretrained" / "grid-world@1" / "value-iteration-s0", folder / "tabular")


def fill_training_runs(folder: Path) -> None:
    """A learning curve."""
    folder.mkdir()
    head = {"event": "started", "update": 0, "steps": 0, "seconds": 0.0, "algorithm": "dqn", "agent": "dqn"}
    lines = [head | {"task": "grid-world@1", "seed": 0}]
    lines += [
        {
            "event": "evaluated",
            "update": i,
            "steps": 10 * i,
            "seconds": 0.1 * i,
            "mean": -9.0,
            "returns": [-9],
            "best": 1,
        }
        for i in range(1, 4)
    ]
    (folder / "curve.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
