"""Random command lines: words for every option of every command, good ones and bad ones.

The options are read from the commands' own dataclasses, so that a new one is tried by itself, with the values of its
type unless `GOOD` names better ones.
"""

from __future__ import annotations

import dataclasses
import importlib
import types
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import tyro

from rlbench.cli import COMMANDS, options_class
from rlbench.commands.shared.agents import algorithms, training

ENVIRONMENTS = ("GridWorld", "cartpole", "rlbench/GridWorld8x8-v0", "GlimpseMNIST", "Hopper", "cart-pole@1")
TASKS = ("grid-world@1", "cart-pole", "Grid-World", "CartPole")
SUBMISSIONS = ("random", "agents/good", "agents/tabular", "value-iteration")
RECORDS = ("records/of-value-iteration.jsonl", "records")
MISSPELT = ("GridWrold", "cartpole@9", "quik", "DQNN", "rlbench/", "rlbench/NoSuch-v7")
TEXTS = ("", " ", "ünïcode→", "a\nb", "--x", "-1", "x" * 5_000, "\udcff", "a/b", ";", "$HOME", "None", '"', ",", "|")
NUMBERS = ("-1", "0", "1", "2.5", "1000000000000", "nan", "inf", "-inf", "1e400", "1_0", "0x10", "١", "", "one", "True")
SMALL = ("0", "1", "2", "3", "-1", "2.5", "nan", "one", "")
"""For what a run takes long over when it is large."""

INPUTS = (
    *("missing", "missing/below", "folder", "empty.txt", "noise.bin", "long.txt", "locked.txt", "/dev/null", "."),
    *("records/cut.jsonl", "records/other-schema.jsonl", "records/side.verify.jsonl", "records/no-header.jsonl"),
    *("traces/cut.jsonl", "traces/good.jsonl", "mazes/good.txt", "mazes/mark.txt", "mazes/ragged.txt", "agents/good"),
    *(f"agents/broken-{i}" for i in range(10)),
)
OUTPUTS = ("out", "out/new", "out/new.png", "a film.gif", "folder", "empty.txt/below", "/dev/full", "fifo", "ünï→.png")

GOOD: dict[str, tuple[str, ...]] = {
    "env": ENVIRONMENTS,
    "task": (*TASKS, "rlbench/GridWorld-v0"),
    "suite": ("quick", "lecture", "LECTURE"),
    "submission": SUBMISSIONS,
    "what": (*SUBMISSIONS, *RECORDS[:1], "traces/good.jsonl"),
    "records": RECORDS,
    "results": ("records", "results", "out"),
    "runs": ("runs/trained", "records"),
    "plan": ("quick",),
    "set": ("slip=0.1", "maze=8x8", "maze=mazes/good.txt", "gravity=1.6"),
    "state": ("x=1.2", "theta=nan", "row=2", "glimpse=1", "x"),
    "maze": ("8x8", "S..|..T", "mazes/good.txt", "mazes/mark.txt"),
    "keys": ("right*3", "-", "escape", "down*2"),
    "output": ("out/new.png", "a.png", "b.svg", "c.pdf", "page.md", "charts"),
    "record": ("film.gif", "film.mp4", "strip.png"),
    "out": ("out", "out/here"),
    "agent": ("mine", "my-agent"),
    "preset": ("lecture", "fast", "mnist", "paper"),
    "speed": ("64", "32"),
    "threads": ("1", "2"),
    "goal": ("0", "-3", "inf"),
}
"""Values that mean something, by the name of the option."""

OUTPUT_OPTIONS = ("output", "out", "record", "trace", "leaderboard", "pretrained", "results")
BUDGETS = (
    *(
        "episodes",
        "seeds",
        "num_envs",
        "blocks",
        "frames",
        "total_env_steps",
        "epochs",
        "horizon",
        "glimpses",
        "sweeps",
    ),
    *("learning_starts", "batch_size", "updates_per_step", "eval_episodes", "random_env_steps"),
)
"""Options that say how much is done."""

ENDS: dict[str, tuple[str, ...]] = {
    "play": ("--keys", "right*3"),
    "watch": ("--speed", "64", "--no-window"),
}
"""Words before all others, so that a command comes to an end by itself; what follows may undo them."""

SHORT_TRAINING = {"total_env_steps": "60", "epochs": "1", "eval_episodes": "2", "learning_starts": "20"}


class Option(NamedTuple):
    """An option or positional argument: its name, type, and whether it is named on the command line."""

    name: str
    hint: Any
    positional: bool


def options(kind: Any) -> Iterator[Option]:
    """The options of a dataclass, those of dataclasses in it too."""
    for name, annotated in get_type_hints(kind, include_extras=True).items():
        hint = bare(annotated)
        if dataclasses.is_dataclass(hint):
            yield from options(hint)
        else:
            yield Option(name, hint, is_positional(annotated))


def bare(hint: Any) -> Any:
    """A type without its annotations."""
    return bare(get_args(hint)[0]) if get_origin(hint) is Annotated else hint


def is_positional(hint: Any) -> bool:
    """Whether tyro takes a field by its place."""
    return get_origin(hint) is Annotated and (
        tyro.conf.Positional in get_args(hint)[1:]
        or any(each is get_args(tyro.conf.Positional[int])[1] for each in get_args(hint)[1:])
        or is_positional(get_args(hint)[0])
    )


def good(option: Option, random: Random) -> list[str]:
    """Words that an option of this name and type takes, mostly."""
    if option.name in GOOD and get_origin(option.hint) is not Literal:
        return words_of(option, GOOD[option.name], random)
    if option.name in BUDGETS:
        return words_of(option, SMALL[1:4], random)
    return by_type(option, option.hint, random)


def by_type(option: Option, hint: Any, random: Random) -> list[str]:
    """Words that an option takes by its type."""
    if get_origin(hint) in (Union, types.UnionType):
        return by_type(option, random.choice([each for each in get_args(hint) if each is not type(None)]), random)
    if get_origin(hint) is Literal:
        return words_of(option, tuple(map(str, get_args(hint))), random)
    if hint is bool:
        dashed = option.name.replace("_", "-")
        return [random.choice((f"--{dashed}", f"--no-{dashed}"))]
    if hint is int:
        return words_of(option, ("1", "2", "7"), random)
    if hint is float:
        return words_of(option, ("0.5", "1", "0.01"), random)
    if hint is Path and option.name in OUTPUT_OPTIONS:
        return words_of(option, OUTPUTS[:4], random)
    return words_of(option, ("8",) if get_origin(hint) is tuple else INPUTS, random)


def bad(option: Option, random: Random) -> list[str]:
    """Words that an option of this name and type should refuse, mostly."""
    if option.name in BUDGETS:
        return words_of(option, SMALL, random)
    pool = NUMBERS if bare_numbers(option.hint) else (*TEXTS, *NUMBERS[:6], *MISSPELT, *INPUTS)
    return words_of(option, (*pool, *OUTPUTS) if option.name in OUTPUT_OPTIONS else pool, random)


def bare_numbers(hint: Any) -> bool:
    """Whether a type is made of numbers alone."""
    inside = [each for each in get_args(hint) if each not in (type(None), Ellipsis)]
    return all(map(bare_numbers, inside)) if inside else hint in (int, float, bool)


def words_of(option: Option, values: tuple[str, ...], random: Random) -> list[str]:
    """The words for one of these values, or for some where the option takes many."""
    many = get_origin(option.hint) is tuple
    chosen = [random.choice(values) for _ in range(random.choice((1, 1, 2, 3)) if many else 1)]
    if option.positional:
        return chosen
    name = f"--{option.name.replace('_', '-')}"
    return [f"{name}={chosen[0]}"] if len(chosen) == 1 and random.random() < 0.3 else [name, *chosen]


def line(random: Random) -> list[str]:
    """A command line: a command, up to four of its options, some of them with bad values, now and then nonsense."""
    command = random.choice([*COMMANDS, *("train", "watch", "play", "show", "evaluate")])
    algorithm = random.choice(sorted(algorithms())) if command == "train" else None
    known = list(options_of(command, algorithm))
    named = [option for option in known if not option.positional]
    chosen = random.sample(named, min(len(named), random.choice((0, 1, 1, 2, 2, 3, 4))))
    places = [option for option in known if option.positional and random.random() < 0.95]
    spoilt = random.sample([*chosen, *places], min(len(chosen) + len(places), random.choice((0, 0, 0, 1, 1, 2))))
    words = [command] if algorithm is None else [command, algorithm, *short_training(known)]
    for option in places:  # before a named one could take the word
        words += (bad if option in spoilt else good)(option, random)
    words += ENDS.get(command, ())
    for option in chosen:
        words += (bad if option in spoilt else good)(option, random)
    words += random.choice([[]] * 12 + [["--json"]] * 6 + [["--csv"]])
    return words + random.choice([[]] * 48 + [["--nonsense"], ["surplus"], ["-h"], ["--json", "--csv"], ["--"]])


def short_training(known: list[Option]) -> list[str]:
    """Words that make a training run short."""
    names = {option.name for option in known}
    given = [(name, value) for name, value in SHORT_TRAINING.items() if name in names]
    return [word for name, value in given for word in (f"--{name.replace('_', '-')}", value)]


def options_of(command: str, algorithm: str | None = None) -> Iterator[Option]:
    """The options of a command; with the settings of an algorithm, where it is given."""
    module = importlib.import_module(f"rlbench.commands.{command.replace('-', '_')}")
    kind = getattr(module, options_class(command))
    if algorithm is not None:
        yield from options(type(next(iter(training().load(algorithm).PRESETS.values()))))
    yield from (each for each in options(kind) if each.name not in ("algorithm", "settings"))
