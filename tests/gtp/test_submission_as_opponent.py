"""A submission as the opponent of an environment: it plays in processes of its own, and its faults are its losses."""

import json

import gymnasium
import numpy as np
import pytest

from rlbench import cli
from rlbench.envs.go.rules import FORFEIT
from rlbench.errors import ArgumentError

LAST_LEGAL = "return mask.shape[1] - 2 - mask[:, -2::-1].argmax(axis=1)"
RANDOM = "rng = np.random.default_rng([self.seed, self.calls])\nreturn np.array([rng.choice(np.flatnonzero(mask[0]))])"


def played(env, seed, steps=3):
    """The board after some steps of an agent that plays its first legal action, and the last step."""
    _, info = env.reset(seed=seed, options={"colour": 0})
    for _ in range(steps):
        step = env.step(int(np.flatnonzero(info["action_mask"])[0]))
        info = step[-1]
        if step[2]:
            break
    return step


def test_it_plays_and_its_version_is_known(submit):
    with gymnasium.make("rlbench/Go5x5-v0", opponent=f"submission:{submit(LAST_LEGAL)}") as env:
        observation, *_, info = played(env, seed=1)
        assert observation["planes"][0].ravel().nonzero()[0].tolist() == [0, 1, 2]
        assert observation["planes"][1].ravel().nonzero()[0].tolist() == [22, 23, 24]
        assert info["engine"].startswith("probe 1 ")


def test_its_seed_is_the_environments(submit):
    with gymnasium.make("rlbench/Go5x5-v0", opponent=f"submission:{submit(RANDOM)}") as env:
        boards = [played(env, seed, steps=1)[0]["planes"].tobytes() for seed in (1, 2, 1)]
    assert boards[0] == boards[2] != boards[1]


def test_a_fault_of_it_is_its_loss(submit):
    folder = submit(f"if self.calls == 2: raise ValueError('no idea')\n{LAST_LEGAL}")
    with gymnasium.make("rlbench/Go5x5-v0", opponent=f"submission:{folder}") as env:
        _, reward, over, _, info = played(env, seed=1)
    assert (reward, over, info["ending"]) == (1.0, True, FORFEIT)
    assert "probe: crash: ValueError: no idea" in info["forfeit"]


def test_one_that_cannot_be_loaded_is_refused_at_once(submit, tmp_path):
    folder = submit(LAST_LEGAL, load="raise ImportError('no such library')")
    for path, reason in ((folder, "load_error: ImportError: no such library"), (tmp_path / "no", "no submission at")):
        with pytest.raises(ArgumentError, match=rf"plays no 5x5 with komi 24\.5: .*{reason}"):
            gymnasium.make("rlbench/Go5x5-v0", opponent=f"submission:{path}")


def test_two_submissions_play_each_other(submit, tmp_path, monkeypatch, capsys):
    ours, theirs = submit("return mask.argmax(axis=1)", name="ours"), submit(RANDOM, name="theirs")
    monkeypatch.chdir(tmp_path)
    words = ["--task", "Go5x5", "--set", f"opponent=submission:{theirs}", "--no-window", "--json"]
    rows = []
    for _ in range(2):
        assert cli.main(["watch", str(ours), *words]) == 0
        rows.append(json.loads(capsys.readouterr().out))
    assert rows[0] == rows[1]
    assert rows[0][0]["ended"] == "terminated"
