"""Tiers of isolation: what is tried to break out of the sandbox works without it, and a missing wall is noticed."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.blocks import play_isolated
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation import interpreter, landlock, namespaces, privileges, sandbox, tiers
from rlbench.harness.results import record
from rlbench.harness.results.writer import RecordWriter
from tests.bubblewrap import why_not

walled = pytest.mark.skipif(not landlock.abi(), reason="this kernel has no Landlock")

with_bubblewrap = pytest.mark.skipif(not landlock.abi() or bool(why_not()), reason=why_not() or "no Landlock")

WITHOUT = """
import json, os, sys
from rlbench.harness.isolation import break_out
of = json.load(sys.stdin) | {"parent": os.getppid(), "machine": os.uname().nodename}
del break_out.ATTEMPTS["run a program"]
forked = ["make processes"] if break_out.forks() else []
seen = list(break_out.succeeded(of, break_out.OF_NAMESPACES))
open(of["secret"], "w").close()
print(json.dumps([*seen, *forked, *break_out.succeeded(of, break_out.ATTEMPTS)]))
"""


@pytest.fixture
def fresh():
    """The machine is tried anew, before and after."""
    tiers.what_is_lacking.cache_clear()
    yield
    tiers.what_is_lacking.cache_clear()


def test_every_attempt_can_succeed_without_the_sandbox(tmp_path):
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as abstract:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        abstract.bind("")
        abstract.listen()
        name = abstract.getsockname()[1:].decode()
        targets = {"secret": str(tmp_path / "secret"), "port": tcp.getsockname()[1], "abstract": name}
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT],
            input=json.dumps(targets),
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
    # The others depend on the machine, on who runs this, or on an attempt before, which removed the file.
    assert {*json.loads(done.stdout)} >= {
        *("make processes", "read a file", "write a file", "list a folder", "remove a file"),
        *("read the environment of the harness", "signal the harness", "limit the harness", "open a process"),
        *("connect by TCP", "send by UDP", "connect to an abstract socket", "start a program"),
        *("see other processes", "see other processes' sockets", "ask for the size of a file"),
        *("see the name of the machine", "make shared memory that outlives it"),
    }


@walled
def test_the_walls_hold(fresh):
    assert tiers.what_is_lacking("landlock") is None
    assert tiers.obtain("auto") == tiers.obtain("landlock") == "landlock"
    assert tiers.obtain("process") == "process"


@with_bubblewrap
def test_namespaces_hold(fresh):
    assert tiers.what_is_lacking("strict") is None
    assert tiers.obtain("strict") == "strict"


WALLS = {
    "landlock.restrict": "still read a file, list a folder",
    "seccomp.install": "make processes, .*send by UDP, make user namespaces",
}


@walled
@pytest.mark.parametrize(("wall", "words"), WALLS.items(), ids=WALLS)
def test_a_missing_wall_is_noticed(wall, words, fresh, monkeypatch):
    """A program that goes without one wall says which attempts succeed."""
    *command, boot = interpreter.command("break_out")
    module, function = wall.split(".")
    without = f"from rlbench.harness.isolation import {module}\n{module}.{function} = lambda *_: None\n"
    boot = boot.replace('del sys.modules["rlbench"]', without)
    monkeypatch.setattr(interpreter, "command", lambda program: [*command, boot])
    assert re.search(words, tiers.what_is_lacking("landlock"))


NAMESPACES = {
    "--unshare-net": "see other processes' sockets before the inner sandbox, .*connect by TCP",
    "--unshare-uts": ".",  # bubblewrap refuses to name the machine itself
    "--unshare-pid": ".",  # the process ends, as its parent is not the one that it expects
}


@with_bubblewrap
@pytest.mark.parametrize(("option", "words"), NAMESPACES.items(), ids=NAMESPACES)
def test_a_missing_namespace_is_noticed(option, words, fresh, monkeypatch):
    monkeypatch.setattr(namespaces, "_OPTIONS", tuple(each for each in namespaces._OPTIONS if each != option))
    assert re.search(words, tiers.what_is_lacking("strict"))


@with_bubblewrap
def test_a_root_that_is_not_private_is_noticed(fresh, monkeypatch):
    command = namespaces.command
    monkeypatch.setattr(
        namespaces, "command", lambda policy: [*command(policy)[:-1], "--dev-bind", "/tmp", "/tmp", "--"]
    )
    assert "ask for the size of a file before the inner sandbox, read a file" in tiers.what_is_lacking("strict")


def test_a_tier_that_cannot_be_had(fresh, monkeypatch, submit, grid_task, tmp_path):
    monkeypatch.setattr(tiers, "what_is_lacking", lambda tier: "this kernel has no Landlock")
    assert tiers.obtain("auto") == "process"
    with pytest.raises(UserError, match="isolation landlock cannot be had here: this kernel has no Landlock; "):
        evaluate(grid_task, submit("return [1] * 3"), tmp_path / "results", quiet=True, isolation="landlock")
    assert not (tmp_path / "results").exists()


def test_strict_without_bubblewrap_is_refused(fresh, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    words = (
        "isolation strict cannot be had here: bwrap is not installed .*; --isolation=landlock runs agents without it"
    )
    with pytest.raises(UserError, match=words):
        tiers.obtain("strict")


@with_bubblewrap
def test_strict_without_namespaces_is_refused_by_bubblewraps_own_words(fresh, monkeypatch, tmp_path):
    program = tmp_path / namespaces.PROGRAM
    program.write_text("#!/bin/sh\necho bwrap: No permissions to create new namespace >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(UserError, match="cannot be had here: bwrap: No permissions to create new namespace; "):
        tiers.obtain("strict")


@walled
def test_a_record_goes_on_in_its_tier(submit, grid_task, tmp_path):
    path = submit("return [1] * 3")
    entrant = submission.read(path)
    run = record.path_of(tmp_path, grid_task, entrant)
    with RecordWriter(run, grid_task, entrant, "process") as writer:
        writer.commit(play_isolated(grid_task, entrant, 0, isolation="process"))
    with pytest.raises(UserError, match="was begun with --isolation=process; go on with that, or move it away"):
        evaluate(grid_task, path, tmp_path, quiet=True, isolation="landlock")
    assert record.read(evaluate(grid_task, path, tmp_path, quiet=True)).header["isolation"] == "process"
    run.unlink()
    assert record.read(evaluate(grid_task, path, tmp_path, quiet=True)).header["isolation"] == "landlock"


WHO = """
    import json
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    who = [os.getuid(), os.getgid(), os.getgroups(), status["CapEff"].strip(), status["NoNewPrivs"].strip()]
    open("mine", "w").write("x")
    raise SystemExit(json.dumps(who))
    """


@walled
def test_root_becomes_nobody(submit, grid_task, tmp_path):
    with pytest.raises(UserError) as error:
        evaluate(grid_task, submit(WHO), tmp_path / "results", quiet=True)
    user, group, groups, capabilities, no_new = json.loads(re.search(r"\[.*\]", str(error.value))[0])
    assert no_new == "1"
    if os.getuid() == 0:
        assert privileges.FIRST_USER <= user < privileges.FIRST_USER + privileges.USERS
        assert (group, groups) == (privileges.GROUP, [])
        assert int(capabilities, 16) in (0, 1 << 2)
    else:
        assert user == os.getuid()


def test_no_hierarchy_that_holds_a_checkout_or_a_home_is_readable(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path), "/", os.path.expanduser("~")])
    monkeypatch.setenv("LD_LIBRARY_PATH", f".:{sandbox._PACKAGE.parent.name}:")
    policy = sandbox.policy(str(tmp_path / "submission"), str(tmp_path / "scratch"), cuda=False)
    root = sandbox._PACKAGE.parent
    for path in policy.readable:
        assert not root.is_relative_to(path)
        assert path not in ("/", str(tmp_path))
    assert sandbox.Policy.from_plain(json.loads(json.dumps(policy.plain()))).caps == policy.caps
