"""Random command lines: never a traceback, a fault of rlbench, a hang, or a file that nobody named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.commands.lines.sandbox import Sandbox
from tests.commands.lines.words import line
from tests.commands.lines.worker import Worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="commands are forked, and agents evaluated, on Linux")

SECONDS = 60.0
REMARKS = ("wrote ", "recorded ", "scored ", "value-iteration", "no display ", "going on ", "the window ")
SETTINGS = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "phases": [Phase.generate],  # lines are short, and every one costs up to a second: none is shrunk
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    return Sandbox(tmp_path_factory.mktemp("lines"))


@pytest.fixture(scope="module")
def worker(sandbox):
    made = Worker(sandbox.environment)
    yield made
    made.close()


def faults(argv: list[str], done: dict[str, Any]) -> list[str]:
    """What is wrong with how a command line ended."""
    errors = done["err"].splitlines()
    found = []
    if done["code"] not in (0, 1, 2):
        found.append("out of time" if done["code"] is None else f"exit code {done['code']}")
    if "Traceback" in done["err"] + done["out"]:
        found.append("a traceback")
    if done["code"] == 2 and not is_one_error(argv, errors):
        found.append(f"{len(errors)} lines of errors")
    if done["code"] == 0 and wants_json(argv) and not is_json(done["out"]):
        found.append("what is printed is not JSON")
    if done["left"]:
        found.append("processes are left behind")
    return found


def is_one_error(argv: list[str], lines: list[str]) -> bool:
    """Whether lines are one error, after remarks on what was done before; `evaluate` and `check` may have several."""
    wrong = [line for line in lines if not line.startswith((*REMARKS, *(f"{word} is " for word in argv)))]
    most = 2 * len(argv) if argv[0] in ("evaluate", "check") else 1
    return all(line.startswith("error: ") for line in wrong) and 1 <= len(set(wrong)) == len(wrong) <= most


def wants_json(argv: list[str]) -> bool:
    """Whether the output is to be JSON: the last format that is given decides, and help is for people."""
    joined = " ".join(argv).replace("--format=", "--format ").replace("--json", "--format json")
    formats = joined.replace("--csv", "--format csv").split("--format ")[1:]
    return bool(formats) and formats[-1].split(" ")[0] == "json" and not {"-h", "--help"} & set(argv)


def is_json(text: str) -> bool:
    """Whether a text is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def check(sandbox: Sandbox, worker: Worker, argv: list[str]) -> None:
    """Run a command line in the sandbox, and demand that it ends as it should."""
    before = sandbox.tree()
    done = worker.run(argv, Path(sandbox.work), SECONDS)
    found = faults(argv, done)
    found += [f"wrote {path}" for path in sandbox.strays(before, argv)]
    if sandbox.tree() != before:
        sandbox.renew()
    assert not found, f"rlbench {argv}: {found}\n{done['out'][-500:]}\n{done['err'][-3000:]}"


@settings(max_examples=40, **SETTINGS)
@given(random=st.randoms(use_true_random=True))  # else hypothesis prefers extremes: lines that are bad all over
def test_forty_command_lines(sandbox, worker, random):
    check(sandbox, worker, line(random))


@pytest.mark.slow
@settings(max_examples=1_000, **SETTINGS)
@given(random=st.randoms(use_true_random=True))  # else hypothesis prefers extremes: lines that are bad all over
def test_a_thousand_command_lines(sandbox, worker, random):
    check(sandbox, worker, line(random))
