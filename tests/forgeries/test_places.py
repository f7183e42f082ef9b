"""Records that lie elsewhere than they belong: they are listed with a reason, neither verified nor signed."""

import json
import os
import shutil
from pathlib import Path

import pytest

from rlbench import cli
from rlbench.commands.shared.runs import load_runs
from rlbench.harness.proof import findings, kept_actions
from rlbench.harness.results import record


def at_the_top(path):
    return path.parents[1] / "x.jsonl"


def within_a_task(path):
    return path.parent / "sub" / path.name


def in_a_whole_place_within_a_task(path):
    return path.parent / "sub" / path.parent.name / path.name


def in_a_folder_without_utf8(path):
    return path.parents[1] / os.fsdecode(b"b\xff\xfe@1") / path.name


PLACES = [at_the_top, within_a_task, in_a_whole_place_within_a_task, in_a_folder_without_utf8]


@pytest.mark.parametrize("place", PLACES)
def test_a_record_out_of_its_place_is_listed_and_not_verified(place, forged, results, capsys):
    there = place(forged)
    there.parent.mkdir(parents=True, exist_ok=True)
    honest = len(load_runs(results))
    forged.rename(there)
    runs = load_runs(results)
    assert len(runs) == honest
    (flaw,) = [run.flaw for run in runs if run.flaw]
    assert "it holds " in flaw or "it does not lie in the folder of a task" in flaw
    assert cli.main(["verify", str(results), "--quiet", "--json", "--sign", "me"]) == 2  # nothing to sign
    rows = json.loads(capsys.readouterr().out)
    (row,) = [row for row in rows if row["verdict"] == "not in its place"]
    assert "remove the copy" in row["reason"]
    assert list(results.rglob("checks")) == []


def test_a_record_that_is_called_a_trace_is_listed(forged, results, capsys):
    forged.write_bytes(b'{"kind": "trace"}\n' + forged.read_bytes())
    (flaw,) = [run.flaw for run in load_runs(results) if run.flaw]
    assert "does not begin with a header" in flaw
    assert cli.main(["verify", str(results), "--quiet", "--json"]) == 1
    rows = {row["record"]: row for row in json.loads(capsys.readouterr().out)}
    assert "does not begin with a header" in rows[f"{forged.parent.name}/{forged.stem}"]["reason"]


def test_files_beside_a_record_that_are_named_with_it_are_left_out(played, monkeypatch, capsys):
    """As by a pattern of the shell, results/cart-pole@1/lean@*."""
    path, entrant = played
    words = ["--submission", str(entrant.folder), "--blocks", "1", "--quiet", "--json"]
    assert cli.main(["verify", str(path), "--traces", *words]) == 0
    beside = sorted(path.parent.glob(f"{path.stem}*"))
    assert {findings.path_of(path), kept_actions.path_of(path), path} == set(beside)
    capsys.readouterr()
    assert cli.main(["verify", *map(str, beside), *words]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["record"] == f"{path.parent.name}/{path.stem}"


def test_a_secret_that_is_not_of_a_record_is_said_in_its_row(played, tmp_path, capsys):
    path, entrant = played
    shutil.copytree(path.parent, tmp_path / "others" / path.parent.name)
    (tmp_path / "secret").write_text("ab" * 32, encoding="utf-8")
    words = ["verify", str(tmp_path / "results"), str(tmp_path / "others"), "--submission", str(entrant.folder)]
    assert cli.main([*words, "--secret", str(tmp_path / "secret"), "--quiet", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["verdict"] for row in rows] == ["no comparison"] * 2
    assert all("not drawn from the secret that is given" in row["reason"] for row in rows)
    assert record.find(Path(tmp_path / "results")) == [path]
