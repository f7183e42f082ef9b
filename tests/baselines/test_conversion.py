"""Submissions with code are converted to the layers that act alike, or left as they are."""

import json

import gymnasium
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from baselines import conversion
from baselines.export import Origin, export
from baselines.nets.encoding import encoding
from baselines.nets.networks import numpy_policy, perceptron
from baselines.templates.agent_template import Mean
from rlbench.errors import UserError

MANIFEST = """name = "mine"
version = "2"
authors = ["us"]
tasks = ["{task}"]
entry = "agent:load"
training_seed = 3
training_steps = 100
device = "cpu"
"""


def network(inputs, outputs, seed=0):
    made = perceptron((inputs, 8, outputs), "tanh", "orthogonal", torch.Generator().manual_seed(seed))
    return numpy_policy(made, "tanh", encoding(gymnasium.spaces.Box(-1, 1, (inputs,))))


def former_export(folder, policy, task, settings=None):
    """A folder as former versions wrote it."""
    folder.mkdir()
    save_file(policy.tensors(), folder / "weights.safetensors")
    (folder / "policy.json").write_text(json.dumps(settings or policy.settings()), encoding="utf-8")
    (folder / "agent.py").write_text("raise NotImplementedError", encoding="utf-8")
    (folder / "submission.toml").write_text(MANIFEST.format(task=task), encoding="utf-8")
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("task", ["cart-pole@1", "hopper@1"])
def test_a_converted_folder_is_what_is_exported_now(tmp_path, task):
    policy = network(4, 2)
    if task == "hopper@1":
        pytest.importorskip("mujoco")
        policy = Mean(network(11, 3), -np.ones(3, np.float32), np.ones(3, np.float32), squash=True)
    told = {name: value for name, value in policy.settings().items() if name != "tells" or value}  # none by the oldest
    folder = former_export(tmp_path / "mine", policy, task, told)
    assert conversion.run(conversion.Conversion((folder,), steps=20)) == 0
    now = export(policy, Origin("mine", (task,), 3, 100, version="2", authors=("us",)), tmp_path / "now")
    assert contents(folder) == contents(now)
    assert conversion.run(conversion.Conversion((folder,), steps=20)) == 0  # it is left as it is


def test_a_folder_whose_layers_act_otherwise_is_left_as_it_is(tmp_path, monkeypatch):
    folder = former_export(tmp_path / "mine", network(4, 2), "cart-pole@1")
    before, other = contents(folder), conversion.policy_graph(network(4, 2, seed=1))
    monkeypatch.setattr(conversion, "policy_graph", lambda policy: other)
    with pytest.raises(UserError, match=r"mine is left as it is: its layers act otherwise on cart-pole@1, in step \d"):
        conversion.run(conversion.Conversion((folder,)))
    assert contents(folder) == before
