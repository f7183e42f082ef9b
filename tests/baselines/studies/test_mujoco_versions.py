"""The comparison of MuJoCo's versions, on records of a robot that are drawn here and on the committed table."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from baselines.studies import mujoco_versions
from baselines.studies.mujoco_versions import MujocoVersions, as_numbers
from rlbench.errors import UserError
from tests import forge
from tests.docs.pages import ROOT, text

COMMITTED = sorted((ROOT / "results" / "hopper@1").glob("ppo@*.jsonl"))


def under(version: str, folder: Path, changed: int) -> Path:
    """The first block of a committed record as another version would have played it, so many episodes otherwise."""
    head, *lines = forge.read(COMMITTED[0])
    head["packages"]["mujoco"] = version
    first = lines[: 1 + next(i for i, line in enumerate(lines) if line["kind"] == "block")]
    for line in first[:changed]:
        line["return"] += 50.0
    (folder / "hopper@1").mkdir(parents=True)
    forge.write(folder / "hopper@1" / COMMITTED[0].name, [head, *first])
    return folder


def test_versions_are_compared_with_the_committed_episodes(tmp_path: Path) -> None:
    played = (under("3.3.7", tmp_path / "a", 3), under("4.0.0", tmp_path / "b", 0), under("3.10.0", tmp_path / "c", 50))
    frame = mujoco_versions.compare(MujocoVersions(played, ROOT / "results"))
    assert frame["mujoco"].tolist() == ["3.10.0", "3.3.7", "4.0.0"]
    assert frame["near"].tolist() == [0, 47, 50]
    own = frame["mean_return"].iloc[2]
    assert frame["mean_return"].tolist() == pytest.approx([own + 50, own + 3, own])
    assert frame["difference"].tolist() == pytest.approx([50, 3, 0])
    head, _, row = mujoco_versions.markdown(frame).splitlines()
    assert head == "| task | agent | seeds | MuJoCo 3.3.7 | MuJoCo 3.10.0 | MuJoCo 4.0.0 |"
    assert row.startswith("| hopper@1 | ppo | 1 | ")
    error = np.std([50] * 3 + [0] * 47, ddof=1) / math.sqrt(50)
    assert f"({3 / error:+.1f} se, 94 % near) | " in row
    assert "(+inf se, 0 % near) | " in row
    assert row.endswith(f" | {own:,.1f} |")  # as it is committed


def test_versions_are_ordered_by_their_numbers() -> None:
    assert sorted(["3.10.0", "4.0.0", "3.9.1", "3.3.7rc1"], key=as_numbers) == ["3.3.7rc1", "3.9.1", "3.10.0", "4.0.0"]


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no records of robots in"):
        mujoco_versions.compare(MujocoVersions((tmp_path,), ROOT / "results"))
    with pytest.raises(UserError, match="no records of robots in no folder"):
        mujoco_versions.compare(MujocoVersions((), ROOT / "results"))
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match=r"has hopper@1/ppo, which is not in"):
        mujoco_versions.compare(MujocoVersions((under("3.3.7", tmp_path / "a", 0),), tmp_path / "none"))


def test_the_page_shows_the_committed_table() -> None:
    frame = pd.read_csv(ROOT / "results" / "mujoco_versions.csv", dtype={"mujoco": str})
    assert mujoco_versions.markdown(frame) in text("docs/agents.md")


def test_the_committed_table_is_of_the_committed_records() -> None:
    """Every robot's first block, and the version, processor and arithmetic that its record names."""
    frame = pd.read_csv(ROOT / "results" / "mujoco_versions.csv", dtype={"mujoco": str})
    for file in COMMITTED:
        head, *lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        block = [each["return"] for each in lines if each["kind"] == "episode"][:50]
        (row,) = frame.query(
            "task == 'hopper@1' and training_seed == @head['training_seed'] and mujoco == @head['packages']['mujoco']"
        ).to_dict("records")
        assert row["mean_return"] == pytest.approx(sum(block) / 50)
        assert (row["cpu"], row["arithmetic"]) == (head["cpu"], head["arithmetic"]["name"])
        assert row["near"] == 50
