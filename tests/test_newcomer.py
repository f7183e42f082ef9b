"""What a newcomer trips over: each of these once cost somebody an afternoon."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rlbench import cli

ROOT = Path(__file__).parent.parent
TOML = """name = "lean"
version = "{version}"
authors = ["A. Student"]
tasks = ["cart-pole@1"]
entry = "agent:load"
"""
AGENT = """
import numpy as np

class Right:
    def act(self, observation, first):
        return np.full(len(first), {action})

def load(task, spaces, seed):
    return Right()
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")


def write(folder, version="1", action=1):
    folder.mkdir(exist_ok=True)
    (folder / "submission.toml").write_text(TOML.format(version=version), encoding="utf-8")
    (folder / "agent.py").write_text(AGENT.format(action=action), encoding="utf-8")
    return str(folder)


@linux
def test_a_changed_agent_needs_a_new_version(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["evaluate", write(tmp_path / "lean")]) == 0
    capsys.readouterr()
    assert cli.main(["evaluate", write(tmp_path / "lean", action=0)]) == 2
    assert "raise the version in submission.toml, or remove that file" in capsys.readouterr().err
    assert cli.main(["evaluate", write(tmp_path / "lean", version="2", action=0)]) == 0
    assert cli.main(["leaderboard"]) == 0


@linux
def test_a_second_evaluation_says_that_it_did_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = write(tmp_path / "lean")
    assert cli.main(["evaluate", folder]) == 0
    assert "scored already" not in capsys.readouterr().err
    assert cli.main(["evaluate", folder]) == 0
    assert "cart-pole@1 is scored already; to repeat it, remove results/cart-pole@1/lean@" in capsys.readouterr().err


@pytest.mark.parametrize("algorithm", ["value-iteration", "q-learning", "dqn"])
def test_a_missing_extra_is_named_before_anything_begins(algorithm, tmp_path):
    code = f"""
import sys
sys.modules["safetensors"] = sys.modules["torch"] = None
from rlbench.cli import main
sys.exit(main(["train", "{algorithm}"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {algorithm} needs ")
    assert 'pip install "rlbench[baselines]"' in done.stderr
    assert not list(tmp_path.iterdir())


def test_other_settings_name_the_ways_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "q-learning", "--quiet"]) == 0
    capsys.readouterr()
    assert cli.main(["train", "q-learning", "--gamma", "0.5"]) == 2
    assert "gamma=1.0 there, 0.5 here; --no-resume begins anew, --out keeps both" in capsys.readouterr().err
    assert cli.main(["train", "q-learning", "--gamma", "2"]) == 2
    assert "gamma must lie in (0, 1], not 2.0" in capsys.readouterr().err


def test_two_tasks_do_not_share_a_folder_and_resuming_is_announced(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "value-iteration"]) == 0
    assert cli.main(["train", "value-iteration", "--task", "rlbench/GridWorldFourRooms-v0"]) == 0
    assert "going on" not in capsys.readouterr().err
    assert cli.main(["train", "value-iteration"]) == 0
    assert "this training run has finished already; --no-resume begins anew" in capsys.readouterr().err
    folders = {path.parent.name for path in tmp_path.glob("runs/train/*/value-iteration-s0")}
    assert folders == {"grid-world@1", "rlbench-GridWorldFourRooms-v0"}


def test_a_training_says_how_well_it_went(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "q-learning"]) == 0
    assert re.match(r"best validation return -[12]\.\d\d, after [\d,]+ steps\n", capsys.readouterr().err)


def test_train_alone_has_help(capsys):
    assert cli.main(["train", "--help"]) == 0
    assert "Algorithms: " in capsys.readouterr().out


def test_a_far_name_lists_what_there_is(capsys):
    assert cli.main(["foo"]) == 2
    assert "unknown command 'foo'; there is check, compare, doctor, evaluate" in capsys.readouterr().err


def test_our_own_fault_is_not_the_users(monkeypatch, capsys):
    monkeypatch.setattr(cli, "_dispatch", lambda arguments: 1 / 0)
    assert cli.main(["list"]) == 3
    assert "this is a fault of rlbench, not yours" in capsys.readouterr().err


def test_everything_that_the_readme_links_to_is_there():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target
