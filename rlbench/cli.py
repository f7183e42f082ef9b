"""The command line: `rlbench COMMAND ...`.

Each command is a module of `rlbench.commands`, which says what such a module defines. It is imported only when called.
Exit codes: 0 fine, 1 a check failed, 2 a mistake of the user or something that the surroundings lack,
3 a fault of rlbench, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from rlbench import arithmetic
from rlbench.errors import UserError, unknown
from rlbench.options import parse_options
from rlbench.process.imports import random_generator
from rlbench.program import run_program

COMMANDS = {
    "list": "environments, tasks, suites and reference agents",
    "show": "draw an environment, or a policy with its V and Q on a grid world",
    "play": "play an environment by hand, in a window",
    "watch": "watch an agent, a row of the leaderboard, or a trace",
    "gtp": "play Go for any program that speaks GTP",
    "train": "train a reference agent and export it as a submission",
    "new-agent": "write the folder of a submission, to be edited",
    "check": "try a submission for a few steps, and say what is wrong",
    "evaluate": "score a submission in a process of its own",
    "match": "play games of Go between players, and rate them",
    "verify": "play recorded episodes again, and compare",
    "merge": "several folders of results into one, nothing overwritten",
    "run": "train the reference agents, score them, write the leaderboard",
    "plot": "draw learning curves, performance profiles and the leaderboard",
    "leaderboard": "rank all results and write leaderboard.md",
    "compare": "how far two agents differ, how sure that is, and how many seeds would settle it",
    "new-task": "write the file of a task on any environment",
    "doctor": "check this installation",
}

TRAINING = ("train", "run")
"""Commands whose weights should be the same on every CPU: they start anew under the pinned arithmetic."""

GO_ON = ("evaluate", "merge", "run", "train", "verify")
"""Commands that go on where they were interrupted; another one begins anew."""

SHORT = {"--json": ("--format", "json"), "--csv": ("--format", "csv")}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    A mistake is one line on standard error. Output that nobody reads is dropped, as in `rlbench list | head -1`.

    Args:
        argv: the command and its arguments; None for those that this program was started with.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None and arguments[:1] and arguments[0] in TRAINING:  # else the process is the caller's
        arithmetic.start_anew()
    return run_program(lambda: _dispatch(arguments), goes_on=arguments[:1] != [] and arguments[0] in GO_ON)


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(_usage())
        return 0
    if arguments[0] == "--version":
        from rlbench import __version__

        sys.stdout.write(f"{__version__}\n")
        return 0
    name, *rest = with_format(arguments)
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS)
    with random_generator():  # rich, which draws tables, draws from it when it is imported
        module: Any = importlib.import_module(f"rlbench.commands.{name.replace('-', '_')}")
    parse = getattr(module, "parse", None)
    return int(module.run(parse(rest) if parse else _options(module, name, rest)))


def options_class(name: str) -> str:
    """The class of a command's options: `NewTaskOptions` for new-task."""
    return "".join(part.capitalize() for part in name.split("-")) + "Options"


def with_format(arguments: Sequence[str]) -> list[str]:
    """The arguments with `--json` and `--csv` written out as `--format json` and `--format csv`."""
    if {"--json", "--csv"} <= set(arguments):
        raise UserError("--json and --csv exclude each other; give one of them")
    return [part for each in arguments for part in SHORT.get(each, (each,))]


def _options(module: Any, name: str, arguments: list[str]) -> Any:
    kind = getattr(module, options_class(name))
    return parse_options(kind, arguments, prog=f"rlbench {name}", description=module.__doc__)


def _usage() -> str:
    lines = (f"  {name:<12} {what}" for name, what in COMMANDS.items())
    return "\n".join(["usage: rlbench COMMAND [--help] ...", "", *lines, ""])


if __name__ == "__main__":
    sys.exit(main())
