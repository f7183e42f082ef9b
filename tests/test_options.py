"""Options of the command line: mistakes are one line with the nearest name, help fits its terminal."""

import dataclasses
import importlib
import subprocess
import sys

import pytest

from rlbench import cli
from rlbench.options import option_names, options_of_many, parse_options, unknown_option

MISTAKES = {
    "list --fomat json": "unknown option '--fomat'; did you mean --format?",
    "list envs --foo=5": "unknown option '--foo=5'; `rlbench list --help`",
    "list --csw": "unknown option '--csw'; did you mean --csv?",
    "list tusks": "invalid choice 'tusks' for argument 'what': give all, envs, tasks, suites, agents or schema;",
    "list envs tasks": "words that it does not take: tasks",
    "list --format": "missing value for argument '--format'",
    "show": "missing: ENV;",
    "show --polcy random": "unknown option '--polcy'; did you mean --policy?",
    "show GridWorld --gamma x": "--gamma: 'x' is no number; `rlbench show --help`",
    "play CartPole --sed 1": "did you mean --seed?",
    "play Go9x9 --keys p --options colour": "--options takes name=value, got 'colour'",
    "play Go9x9 --keys p --options colour=2": "option 'colour' takes an integer, 0 to 1, got 2",
    "watch random --lanse 2": "did you mean --lanes?",
    "gtp random --sise 9": "did you mean --size?",
    "train value-iteration --gama 1": "did you mean --gamma?",
    "new-agent": "missing: DIR;",
    "new-agent x --kind sb4": "invalid choice 'sb4'",
    "check": "missing: SUBMISSION...;",
    "check x --tsk y": "did you mean --task?",
    "evaluate": "missing: SUBMISSION...;",
    "evaluate random --limit 0 --task cart-pole": "--limit is at least 1, got 0",
    "evaluate random --jobs 0 --task cart-pole": "--jobs is at least 1, got 0",
    "evaluate random --jobs 1.5 --task cart-pole": "--jobs: '1.5' is no whole number;",
    "evaluate random --shard 3/2 --task cart-pole": "--shard is I/N, with I from 1 to N, such as 2/8; got 3/2",
    "evaluate random --shard half --task cart-pole": "such as 2/8; got half",
    "evaluate random --executor dask --task cart-pole": "argument '--executor': give processes or ray;",
    "match a b --gmes 2": "did you mean --games?",
    "verify --blok 1": "did you mean --blocks?",
    "verify x --blocks 1.5": "--blocks: '1.5' is no whole number; `rlbench verify --help`",
    "verify results --jobs 0": "--jobs is at least 1, got 0",
    "merge": "missing: DIR...;",
    "run --jobs 0": "--jobs is at least 1, got 0",
    "run --seeds 1.5": "--seeds: '1.5' is no whole number; `rlbench run --help`",
    "compare ppo sac --tsk x": "did you mean --task?",
    "plot --axis foo": "invalid choice 'foo'",
    "leaderboard --chekc": "did you mean --check?",
    "new-task CartPole --nmae x": "did you mean --name?",
    "doctor --quite": "did you mean --quiet?",
    "evaluate x --quite": "did you mean --suite or --quiet?",
}


@pytest.mark.parametrize("columns", ["", "1", "17", "1000000000"])
@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_one_line(capsys, monkeypatch, words, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert cli.main(words.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert MISTAKES[words] in printed.err


def test_every_command_has_a_mistake_here():
    assert {words.split()[0] for words in MISTAKES} == cli.COMMANDS.keys()


@pytest.mark.parametrize("command", [*sorted(cli.COMMANDS.keys() - {"train"}), "train dqn"])
def test_every_option_is_what_its_misspelling_meant(command):
    """Of all that the help lists, but for short ones and for twins such as --episode and --episodes."""
    names = option_names(lambda: cli.main([*command.split(), "--help"]))
    assert len(names) > 3
    for name in names:
        twins = [other for other in names if other.startswith(name[:-2])]
        if len(name) > len("--seed") and name[-1] != name[-2] and len(twins) == 1:
            meant = unknown_option(f"{name[:-2]}{name[-1]}{name[-2]}", names).partition("did you mean ")[2]
            assert name in meant.rstrip("?").split(" or ")


@pytest.mark.parametrize(
    ("columns", "widest"), [("100", 100), ("80", 80), ("40", 40), ("1", 40), ("0", 80), ("9" * 9, 100)]
)
def test_help_fits_its_terminal(capsys, monkeypatch, columns, widest):
    monkeypatch.setenv("COLUMNS", columns)
    assert cli.main(["doctor", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if line[0:1] in "╭│╰") == widest


def test_help_has_no_frames_that_a_terminal_lacks():
    command = [sys.executable, "-X", "utf8=0", "-m", "rlbench", "doctor", "--help"]
    done = subprocess.run(command, env={"PYTHONIOENCODING": "ascii"}, capture_output=True, check=True)
    assert b"--quiet" in done.stdout
    assert done.stdout.isascii()


def options_of(command):
    """The class of a command's options."""
    module = importlib.import_module(f"rlbench.commands.{command.replace('-', '_')}")
    return getattr(module, cli.options_class(command))


REPEATABLE = [
    (command, name, field)
    for command in sorted(cli.COMMANDS)
    for name, field in options_of_many(options_of(command)).items()
    if not name.startswith("--") or name in option_names(lambda command=command: cli.main([command, "--help"]))
]


def test_options_of_many_values_are_found():
    found = {(command, name) for command, name, _ in REPEATABLE}
    assert {("show", "--set"), ("leaderboard", "--task"), ("leaderboard", "-t"), ("run", "--agent")} <= found
    assert ("evaluate", "--task") not in found, "tyro adds these up"


POSITIONALS = {"show": ["CartPole"], "play": ["CartPole"], "watch": ["random"], "new-task": ["CartPole"]}


@pytest.mark.parametrize(("command", "name", "field"), REPEATABLE)
def test_values_of_an_option_that_is_repeated_are_taken_together(command, name, field):
    """In whichever form they are given, with other words between them."""

    def parsed(*words):
        found = parse_options(options_of(command), words, prog=command)
        return getattr(found, field), found.quiet

    positional = POSITIONALS.get(command, [])
    forms = [name, "1", name, "2", "3", "--quiet"], [f"{name}=1", *positional, name, "2", "--quiet", f"{name}=3"]
    assert parsed(*positional, *forms[0]) == parsed(*forms[1]) == (("1", "2", "3"), True)
    assert parsed(*positional, name, "1") == (("1",), False)


@pytest.mark.parametrize("command", sorted(cli.COMMANDS.keys() - {"train"}))
def test_whoever_takes_a_task_takes_it_by_its_letter(command, capsys):
    assert cli.main([command, "--help"]) == 0
    shown = capsys.readouterr().out.split()
    assert ("--task" in shown) == ("-t" in shown)


def test_defaults_may_be_an_instance():
    @dataclasses.dataclass
    class Knobs:
        depth: int = 1

    assert parse_options(Knobs, ["--depth", "3"], prog="x").depth == 3
    assert parse_options(Knobs, [], prog="x", default=Knobs(7)).depth == 7
