"""`rlbench merge`: what it prints and returns, whatever interrupts it."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from rlbench import cli
from rlbench.harness.merging import ADDED, REFUSED, THERE
from rlbench.harness.results import record
from tests import forge
from tests.commands.merge.folders import changed_return, content, outcomes

ODD = [
    {"shard": 7},
    {"shard": None},
    {"total_blocks": "2"},
    {"total_blocks": 2.5},
    {"total_seconds": None},
    {"header": []},
]


@pytest.mark.parametrize("changes", ODD, ids=str)
def test_a_part_with_odd_fields_is_refused(changes, theirs, mine, capsys):
    path = record.find(theirs)[0]
    first = {"kind": "part", "schema": 1, "shard": "1/2", "total_blocks": 2, "total_seconds": 9.0}
    first |= {"header": forge.read(path)[0]} | changes
    path.with_name(f"{path.stem}.part-1-of-2.jsonl").write_text(json.dumps(first) + "\n", encoding="utf-8")
    assert cli.main(["merge", str(theirs), "--results", str(mine), "--json"]) == 1
    (refused,) = (row for row in json.loads(capsys.readouterr().out) if row["outcome"] == REFUSED)
    assert "is no part of a record of schema 1; move it away" in refused["why"]


def test_the_command(theirs, mine, tmp_path, capsys):
    arguments = ["merge", str(theirs), "--results", str(mine)]
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert out.endswith(f"{mine}: {len(content(theirs))} added\n")
    assert "a 2nd run of dqn of rlbench" in out
    assert "a 3rd run of dqn of rlbench" in out
    assert cli.main([*arguments, "--json"]) == 0
    assert {row["outcome"] for row in json.loads(capsys.readouterr().out)} == {THERE}
    changed_return(record.find(theirs)[0])
    assert cli.main([*arguments, "--quiet"]) == 1
    assert "conflict" in capsys.readouterr().out
    for wrong in (tmp_path / "nowhere", mine):
        assert cli.main(["merge", str(wrong), "--results", str(mine)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_full_disk_is_one_line_and_what_was_merged_stays(theirs, mine, monkeypatch, capsys):
    write, calls = os.write, []

    def full(descriptor, data):
        calls.append(descriptor)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    other = content(theirs)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        assert cli.main(["merge", str(theirs), "--results", str(mine)]) == 2
    assert "No space left on device; what was merged before is safe" in capsys.readouterr().err
    there = content(mine)
    assert len(there) == 2
    assert all(there[name] == other[name] for name in there if name in other)
    assert set(outcomes(theirs, mine).values()) == {ADDED, THERE}


KILLED = """
import os, signal, sys
from pathlib import Path
left = int(sys.argv[1])
def counted(function):
    def call(*arguments, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **more)
    return call
from rlbench.harness.merging import merge
for name in ("open", "write", "pwrite", "fsync", "link", "ftruncate", "fchmod"):
    setattr(os, name, counted(getattr(os, name)))
list(merge(Path(sys.argv[2]), Path(sys.argv[3])))
"""


@pytest.mark.parametrize("calls", [0, 3, 7, pytest.param(range(1, 60), marks=pytest.mark.slow)])
def test_killed_at_any_call_it_loses_nothing_and_the_next_does_the_rest(calls, theirs, mine, tmp_path):
    before, other = content(mine), content(theirs)
    (path,) = (path for path in record.find(theirs) if record.read(path).header["training_seed"] == 1)
    lines = path.read_bytes().splitlines(keepends=True)
    for left in [calls] if isinstance(calls, int) else calls:
        folder = tmp_path / f"merged{left}"
        shutil.copytree(mine, folder)
        (folder / path.relative_to(theirs)).write_bytes(b"".join(lines[:52]))
        done = subprocess.run([sys.executable, "-c", KILLED, str(left), theirs, folder], check=False)
        assert done.returncode in (0, -signal.SIGKILL)
        for name, data in content(folder).items():
            expected = (before | other)[name]
            assert data == expected or (name == path.relative_to(theirs).as_posix() and expected.startswith(data))
        outcomes(theirs, folder)
        assert content(folder) == before | other
