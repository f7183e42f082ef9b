"""Exported agents: data alone, which the harness's player answers from as the network that they came from."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from hypothesis import event, given
from hypothesis import strategies as st

from baselines.algorithms.atari_presets import LECTURE, NATURE
from baselines.data.frame_replay import FrameReplay
from baselines.export import Origin, export
from baselines.nets.encoding import Encoding, encoding
from baselines.nets.networks import Convolution, convolutional, numpy_pixel_policy, numpy_policy, perceptron
from baselines.templates.agent_template import Mean, Perceptron, Table
from rlbench.errors import UserError
from rlbench.harness import evaluate, verify
from rlbench.harness.blocks import play_isolated
from rlbench.harness.layers import player
from rlbench.harness.proof import findings
from rlbench.harness.results import record
from rlbench.harness.submission import read
from rlbench.harness.tasks.suite import TASKS, get_task

ORIGIN = Origin("an-agent", ("cart-pole@1",), training_seed=3, training_steps=1000)

CODE = """
import numpy as np
from pathlib import Path
from safetensors.numpy import load_file

class Agent:
    def __init__(self, weights):
        self.weights = weights

    def act(self, observation, first):
        hidden = np.maximum(observation @ self.weights["layers.0.weight"].T + self.weights["layers.0.bias"], 0)
        return (hidden @ self.weights["layers.1.weight"].T + self.weights["layers.1.bias"]).argmax(axis=1)

def load(task, spaces, seed):
    return Agent(load_file(Path(__file__).parent / "weights.safetensors"))
"""


def exported_actions(folder: Path, observation: np.ndarray) -> list[Any]:
    """What the exported agent does, by the harness's player."""
    first = np.ones(len(observation), bool)
    answer: list[Any] = player.load(folder, observation, 0).act(observation, first).tolist()
    return answer


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("init", ["orthogonal", "uniform"])
def test_perceptron_answers_as_torch(tmp_path: Path, activation: str, init: str) -> None:
    space = gymnasium.spaces.Box(-5, 5, (2, 2), np.float32)
    encode = encoding(space, (1.0, 2.0, 0.5, 3.0))
    generator = torch.Generator().manual_seed(0)
    network = perceptron((4, 16, 16, 3), activation, init, generator)  # type: ignore[arg-type]
    folder = export(numpy_policy(network, activation, encode), ORIGIN, tmp_path / "agent")  # type: ignore[arg-type]

    observation = np.random.default_rng(0).uniform(-5, 5, (200, 2, 2)).astype(np.float32)
    by_torch = network(torch.from_numpy(observation).reshape(200, 4) * torch.tensor([1.0, 2.0, 0.5, 3.0]))
    assert exported_actions(folder, observation) == by_torch.argmax(dim=1).tolist()
    assert len(set(by_torch.argmax(dim=1).tolist())) > 1


@pytest.mark.parametrize("squash", [False, True])
def test_mean_actions_of_normalised_observations(tmp_path: Path, squash: bool) -> None:
    shift, scale = np.array([1.0, -2.0], np.float32), np.array([10.0, 0.1], np.float32)
    low, high = np.array([-0.4], np.float32), np.array([0.4], np.float32)
    network = perceptron((2, 16, 1), "tanh", "orthogonal", torch.Generator().manual_seed(0))
    twin = numpy_policy(network, "tanh", Encoding(scale, shift=shift, limit=3.0))
    folder = export(Mean(twin, low, high, squash), ORIGIN, tmp_path / "agent")
    observation = np.random.default_rng(0).uniform(-5, 5, (200, 2))
    features = ((torch.from_numpy(observation) - torch.tensor(shift)) * torch.tensor(scale)).clamp(-3, 3).float()
    mu = network(features)
    expected = 0.4 * (mu.tanh() if squash else mu.clamp(-1, 1)).detach().numpy()
    answers = np.array(exported_actions(folder, observation), np.float32)
    np.testing.assert_allclose(answers, expected, atol=1e-5)
    assert np.abs(answers).max() <= high[0]
    assert len(np.unique(answers)) > 100


def test_one_hot_perceptron(tmp_path: Path) -> None:
    encode = encoding(gymnasium.spaces.Discrete(5))
    network = perceptron((5, 8, 3), "relu", "orthogonal", torch.Generator().manual_seed(1))
    folder = export(numpy_policy(network, "relu", encode), ORIGIN, tmp_path / "agent")
    assert exported_actions(folder, np.arange(5)) == network(torch.eye(5)).argmax(dim=1).tolist()


@pytest.mark.parametrize("convolutions", [LECTURE, NATURE])
def test_convolutional_answers_as_torch(tmp_path: Path, convolutions: tuple[Convolution, ...]) -> None:
    """Against a network of plain convolutions over plain frames, which is given the exported filters."""
    network = convolutional((4, 84, 84), convolutions, (64, 6), torch.Generator().manual_seed(0))
    policy = numpy_pixel_policy(network, convolutions[0][2], 0.0)
    folder = export(policy, ORIGIN, tmp_path / "agent")
    observation = np.random.default_rng(0).integers(256, size=(3, 4, 84, 84), dtype=np.uint8)

    plain = torch.from_numpy(observation) / 255
    for (weight, bias), (_, _, stride) in zip(policy.convolutions, convolutions, strict=True):
        plain = torch.relu(torch.conv2d(plain, torch.tensor(weight), torch.tensor(bias), stride))
    by_torch = network[-3:](plain.flatten(1))
    torch.testing.assert_close(torch.from_numpy(policy.outputs(observation)), by_torch)
    replay = FrameReplay(100, (4, 84, 84), convolutions[0][2], torch.device("cpu"))
    torch.testing.assert_close(network(replay.network_input(replay.encoder()(observation))), by_torch)
    assert exported_actions(folder, observation) == by_torch.argmax(dim=1).tolist()


def test_chance_of_an_exported_agent() -> None:
    network = convolutional((4, 12, 12), ((8, 4, 4),), (3,), torch.Generator().manual_seed(0))
    observation, first = np.zeros((4_000, 4, 12, 12), np.uint8), np.zeros(4_000, bool)
    best, now_and_then, again, other = (
        numpy_pixel_policy(network, 4, epsilon, seed).act(observation, first)
        for epsilon, seed in ((0.0, 1), (0.3, 1), (0.3, 1), (0.3, 2))
    )
    assert len(set(best)) == 1
    assert 0.17 < (now_and_then != best).mean() < 0.23  # two of three actions drawn are others
    assert (now_and_then == again).all()
    assert (now_and_then != other).any()


def test_table(tmp_path: Path) -> None:
    folder = export(Table(np.array([[0.0, 1.0], [1.0, 1.0], [3.0, 2.0]])), ORIGIN, tmp_path / "agent")
    assert exported_actions(folder, np.array([0, 1, 2, 0])) == [1, 0, 0, 1]


def test_the_harness_reads_what_is_written(tmp_path: Path) -> None:
    submission = read(export(Table(np.zeros((2, 2))), ORIGIN, tmp_path / "agent"))
    assert (submission.name, submission.version, submission.tasks) == ("an-agent", "1", ("cart-pole@1",))
    assert (submission.training_seed, submission.training_steps, submission.device) == (3, 1000, "cpu")


def test_a_second_export_replaces_the_first(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "old").touch()
    folder = export(Table(np.zeros((2, 2))), ORIGIN, tmp_path / "agent")
    names = {path.name for path in folder.iterdir()}
    assert names == {"graph.json", "submission.toml", "weights.safetensors"}
    assert [path.name for path in tmp_path.iterdir()] == ["agent"]


def test_the_twin_in_numpy_follows_the_network() -> None:
    network = perceptron((2, 4, 2), "relu", "uniform", torch.Generator().manual_seed(0))
    twin = numpy_policy(network, "relu", encoding(gymnasium.spaces.Box(-1, 1, (2,))))
    assert isinstance(twin, Perceptron)
    with torch.no_grad():
        network[0].weight.fill_(0.0)
    assert not twin.layers[0][0].any()


def test_agents_explain_their_last_action() -> None:
    """Q(s, .) whose maximum is taken, or the probabilities that the logits stand for; nothing where it is neither."""
    table = Table(np.array([[0.0, 1.0], [3.0, 2.0]]))
    assert table.act(np.array([1, 0]), np.ones(2, bool)).tolist() == [0, 1]
    assert table.explain()["action_values"].tolist() == [[3.0, 2.0], [0.0, 1.0]]
    assert table.explain()["value"].tolist() == [3.0, 1.0]

    network = perceptron((4, 8, 3), "relu", "orthogonal", torch.Generator().manual_seed(0))
    agent = numpy_policy(network, "relu", encoding(gymnasium.spaces.Box(-1, 1, (4,))))
    observation = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    actions = agent.act(observation, np.ones(5, bool))
    values = agent.explain()["action_values"]
    np.testing.assert_array_equal(values.argmax(axis=1), actions)
    np.testing.assert_allclose(agent.explain()["value"], values.max(axis=1))
    agent.tells = "probabilities"
    by_torch = network(torch.from_numpy(observation)).softmax(dim=1)
    np.testing.assert_allclose(agent.explain()["probabilities"], by_torch.detach().numpy(), rtol=1e-5)
    agent.tells = ""
    assert agent.explain() == {}


def test_what_the_outputs_are_is_exported(tmp_path: Path) -> None:
    network = perceptron((4, 8, 3), "relu", "orthogonal", torch.Generator().manual_seed(0))
    agent = numpy_policy(network, "relu", encoding(gymnasium.spaces.Box(-1, 1, (4,))))
    observation = np.zeros((1, 4), np.float32)
    for explained in ("action_values", "probabilities"):
        agent.tells = explained
        loaded = player.load(export(agent, ORIGIN, tmp_path / "agent"), observation, 0)
        loaded.act(observation, np.ones(1, bool))
        assert explained in loaded.explain()


def test_data_alone(tmp_path: Path) -> None:
    folder = export(Table(np.zeros((2, 2))), ORIGIN, tmp_path / "agent")
    assert {path.name for path in folder.iterdir()} == {"graph.json", "submission.toml", "weights.safetensors"}
    submission = read(folder)
    assert (submission.name, submission.training_seed, submission.player) == ("an-agent", 3, player.digest())
    (folder / "weights.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"agent: weights.safetensors cannot be read"):
        read(folder)
    (folder / "agent.py").touch()
    with pytest.raises(UserError, match=r"agent.py would never run, as entry is rlbench:layers; remove it, or"):
        read(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
def test_data_alone_plays_the_same_episodes_as_code(tmp_path: Path) -> None:
    """Through the harness: the lines of a folder with code, a header that names the player, and a verification."""
    task = get_task("cart-pole@1")
    network = perceptron((4, 16, 2), "relu", "orthogonal", torch.Generator().manual_seed(4))
    agent = numpy_policy(network, "relu", encoding(gymnasium.spaces.Box(-1, 1, (4,))))
    data = export(agent, ORIGIN, tmp_path / "data")
    shutil.copytree(data, tmp_path / "code", ignore=lambda *_: ["graph.json"])
    (tmp_path / "code" / "agent.py").write_text(CODE, encoding="utf-8")
    manifest = (data / "submission.toml").read_text(encoding="utf-8").replace("rlbench:layers", "agent:load")
    (tmp_path / "code" / "submission.toml").write_text(manifest, encoding="utf-8")
    runs = []
    for folder in (tmp_path / "code", data):
        path = evaluate.evaluate(task, folder, tmp_path / f"results of {folder.name}", quiet=True)
        run = record.read(path)
        assert run is not None
        runs.append(run)
    by_code, by_data = runs
    assert by_data.complete
    assert by_data.episodes == by_code.episodes
    assert len({episode["return"] for episode in by_data.episodes}) > 1
    assert (by_code.header.get("player"), by_data.header["player"]) == (None, player.digest())
    found = verify.verify(path, task, read(data), 1, quiet=True)
    assert (found.blocks, found.different) == (1, {})
    assert json.loads(findings.path_of(path).read_text(encoding="utf-8").splitlines()[0])["player"] == player.digest()


@pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
def test_a_graph_of_another_task_fails_to_load(tmp_path: Path) -> None:
    network = perceptron((3, 2), "relu", "orthogonal", torch.Generator())
    agent = numpy_policy(network, "relu", encoding(gymnasium.spaces.Box(-1, 1, (3,))))
    folder = export(agent, ORIGIN, tmp_path / "agent")
    block = play_isolated(get_task("cart-pole@1"), read(folder), 0)
    assert {episode.status for episode in block.episodes} == {"load_error"}
    assert "GraphError: node 'features' (normalize) does not fit its inputs of shape [4]" in str(block.fault)


NAMES = st.one_of(st.text(max_size=70), st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", fullmatch=True))
ORIGINS = st.builds(
    Origin,
    name=NAMES,
    tasks=st.lists(st.sampled_from(sorted(TASKS)), max_size=3, unique=True).map(tuple),
    training_seed=st.integers(0, 2**64),
    training_steps=st.integers(-1, 2**64),
    version=NAMES,
    authors=st.lists(st.text(max_size=9), max_size=2).map(tuple),
)


@given(origin=ORIGINS)
def test_what_is_exported_is_read_or_refused_before_anything_is_written(
    origin: Origin, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("agents") / "agent"
    try:
        export(Table(np.zeros((2, 2))), origin, folder)
    except UserError as error:
        event("refused")
        assert "\n" not in str(error)  # noqa: PT017  # most names are refused, some are not
        assert not list(folder.parent.iterdir())
        return
    event("written")
    found = read(folder)
    fields = ("name", "version", "tasks", "authors", "training_seed", "training_steps", "device")
    assert {name: getattr(found, name) for name in fields} == {name: getattr(origin, name) for name in fields}
