"""Names of Python's standard library that Unix alone has: where the packages use them, read from the files.

A use counts as guarded where its function or module also asks for the name with `hasattr` or `getattr`, or where
`sys.platform` decides; the files listed here run on Unix alone, and why.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.portability.elsewhere import LINUX_ALONE, UNIX_ALONE, UNIX_MODULES

ROOT = Path(__file__).parents[2]
UNIX = {
    "rlbench/appended_files.py": "refused where os.pwrite is missing: records and matches, which need Linux",
    "rlbench/child_guard.py": "does nothing where os.posix_spawn is missing",
    "rlbench/child_monitor.py": "of agents and Go programs, refused before where they cannot run",
    "rlbench/children.py": "folders are locked, and removed by descriptor, where the system opens them",
    "rlbench/arithmetic.py": "the name of the C library, None where os.confstr is missing",
    "rlbench/streams.py": "os.get_blocking may be missing, which is caught",
    "rlbench/process/system.py": "SIGCHLD, once `sigaction` has been found",
    "rlbench/whole_files.py": "records that are merged; files without a name where the system has them",
    "rlbench/envs/atari/cpu_affinity.py": "does nothing elsewhere than on Linux",
    "rlbench/envs/go/gtp_client.py": "refused where os.killpg is missing",
    "rlbench/core/compiler/pool.py": "thread pools, made where time.clock_gettime is there",
    "rlbench/commands/doctor.py": "asks for os.memfd_create first",
    "rlbench/commands/doctoring/surroundings.py": "limits of Unix, left out on Windows",
    "rlbench/harness/proof/findings.py": "the key of `verify`, which needs Linux",
    "baselines/training/runner.py": "folders are locked where fcntl is there",
}
LINUX_ROOMS = ("rlbench/harness/isolation/", "rlbench/harness/executors/")
"""Behind `isolation.linux.require`."""


def names_of(modules):
    return {f"{module.__name__}.{name}" for module, names in modules.items() for name in names.split()}


NAMES = names_of(LINUX_ALONE) | names_of(UNIX_ALONE)


def uses(tree):
    """Every Unix name that a module uses outside of `hasattr` and `getattr`, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (name := f"{node.value.id}.{node.attr}") in NAMES:
                yield name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names} & NAMES
            yield from ((name, node.lineno) for name in names)
            if node.module in UNIX_MODULES and not node.level:
                yield node.module, node.lineno
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name in UNIX_MODULES)


def asked_for(text):
    """The names that a text asks for by `hasattr`."""
    return {f"{module}.{name}" for module, name in re.findall(r"hasattr\((\w+), \"(\w+)\"\)", text)}


def found():
    for package in ("rlbench", "baselines"):
        for path in sorted((ROOT / package).rglob("*.py")):
            relative = path.relative_to(ROOT).as_posix()
            text = path.read_text(encoding="utf-8")
            if not relative.startswith(LINUX_ROOMS):
                asked = asked_for(text)
                yield from ((relative, name, line) for name, line in uses(ast.parse(text)) if name not in asked)


def test_unix_names_are_used_where_they_may_be():
    places = list(found())
    assert [place for place in places if place[0] not in UNIX] == []
    assert UNIX.keys() <= {relative for relative, _, _ in places}, "files that need no exception any more"


PLANTED = (
    "import os\nfrom signal import SIGKILL\nimport fcntl\nif hasattr(os, 'fork'):\n    os.fork()\nos.killpg(1, 9)\n"
)


def test_a_planted_use_is_found():
    assert {name for name, _ in uses(ast.parse(PLANTED))} == {"signal.SIGKILL", "fcntl", "os.fork", "os.killpg"}


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_type_checker_finds_no_other(platform, tmp_path):
    """The standard library's types say what each system has, for the whole of it."""
    command = [sys.executable, "-m", "mypy", "--platform", platform, "--cache-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    lines = [line for line in done.stdout.splitlines() if "attr-defined" in line]
    assert lines
    files = {line.partition(":")[0] for line in lines}
    assert {each for each in files if not each.startswith(LINUX_ROOMS)} <= UNIX.keys()
