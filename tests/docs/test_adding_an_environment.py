"""docs/adding-an-environment.md, followed from start to end by somebody who has nothing but the page."""

import json
import sys

import gymnasium
import pytest

from rlbench import cli, environments
from rlbench.harness.tasks import found
from rlbench.text_files import parsed_toml
from tests.docs import examples
from tests.docs.pages import blocks

PAGE = "docs/adding-an-environment.md"
linux = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
SHORT = {
    "rlbench play": ["--keys", "right*20", "left*20", "--episodes", "1"],
    "rlbench new-task": ["--measured", "60"],
    "rlbench train": ["--total-env-steps", "600", "--quiet"],
    "rlbench watch": ["--no-window", "--record", "car.png"],
    "rlbench evaluate": ["--json"],
}
"""What is added so that the commands end soon, without a screen."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the two files of the page; its environments are forgotten afterwards."""
    monkeypatch.setattr(found, "NAMED", {})
    monkeypatch.delenv(found.VARIABLE, raising=False)
    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for written in blocks(PAGE, "python"):
        first, _, _ = written.partition("\n")
        if first.startswith("# "):
            (tmp_path / first.removeprefix("# ")).write_text(written, encoding="utf-8")
    yield tmp_path
    for env_id in ("demo/MountainCar-v0", "wrapped/MountainCar-v0"):
        gymnasium.registry.pop(env_id, None)
    for module in ("mountain_car", "cars"):
        sys.modules.pop(module, None)


@linux
@pytest.mark.slow
def test_the_page_leads_from_rules_to_a_leaderboard(folder, capsys, monkeypatch):
    pytest.importorskip("torch")
    commands = [each.line for each in examples.commands() if each.page == PAGE]
    assert [" ".join(each.split()[:2]) for each in commands if " --check" not in each][:3] == [
        "rlbench show",
        "rlbench play",
        "rlbench new-task",
    ]
    for command in commands:
        capsys.readouterr()
        if command == "export RLBENCH_PATH=$PWD":
            monkeypatch.setenv(found.VARIABLE, str(folder))
            continue
        words = command.split()
        assert cli.main([*words[1:], *SHORT.get(" ".join(words[:2]), [])]) == 0, command
        if words[1] == "evaluate":
            (row,) = json.loads(capsys.readouterr().out)
            assert (row["ok"], row["mean_return"]) == (100, -200.0)
    assert (folder / "car.png").is_file()
    page = (folder / "results" / "tasks" / "mountain-car@1.md").read_text(encoding="utf-8")
    assert "`cars:demo/MountainCar-v0`" in page
    assert "* **Not conformance-checked**" in page
    assert cli.main(["verify", "results/mountain-car@1", "--quiet"]) == 0


def test_rules_are_wrapped_without_a_registry(folder):
    names = {}
    sys.path.insert(0, str(folder))
    exec(next(each for each in blocks(PAGE, "python") if "wrap_rules" in each), names)
    assert names["env_id"] == "wrapped/MountainCar-v0"
    assert names["envs"].unwrapped.params.gravity == 0.003


def test_the_group_of_entry_points_is_the_one_that_is_loaded():
    (project,) = blocks(PAGE, "toml")
    assert environments.GROUP in parsed_toml(project, PAGE)["project"]["entry-points"]
