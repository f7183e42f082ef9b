"""Recurrent attention: its parts against each other, and on images so small that the right behaviour is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from baselines.algorithms import recurrent_attention
from baselines.algorithms.recurrent_attention import RecurrentAttentionLearner, RecurrentAttentionSettings
from baselines.export import Origin, export
from baselines.nets.recurrent_attention import RecurrentAttention, multiply_accumulates
from baselines.studies import glimpse_ablation
from baselines.training import image_validation, runner
from baselines.training.events import Evaluated, Finished, Progress, Snapshot
from rlbench.errors import UserError
from rlbench.harness.layers import player
from rlbench.harness.submission import read
from rlbench.registry import GLIMPSE

CORNERS = "test/GlimpseCorners-v0"


def corners() -> dict[str, Any]:
    """12x12 images of two classes: only a 4x4 square at the lower right tells them apart, by where it is darker."""
    images = np.zeros((256, 12, 12), np.uint8)
    labels = np.arange(256) % 2
    images[labels == 0, 8:10, 8:12] = images[labels == 1, 10:12, 8:12] = 255
    return {"images": images, "labels": labels, "classes": 2, "patch": 4, "glimpses": 3}


@pytest.fixture(autouse=True)
def corners_registered() -> Iterator[None]:
    entries = {"entry_point": "rlbench.core.env:RulesEnv", "vector_entry_point": "rlbench.core.vector:RulesVectorEnv"}
    gymnasium.register(CORNERS, kwargs={"rules": GLIMPSE, **corners()}, **entries)  # type: ignore[arg-type]
    yield
    del gymnasium.registry[CORNERS]


SMALL = RecurrentAttentionSettings(
    **{"task": CORNERS, "batch_size": 60, "epochs": 3, "width": 16, "state": 32, "location_hidden": 16},
    **{"eval_every_epochs": 1, "checkpoint_every_epochs": 1, "learning_rate": 5e-3, "early": 0.1},
)


def glimpses(n: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Observations of three glimpses of n images, at random."""
    rng = np.random.default_rng(seed)
    kinds = {"patches": (0, 1, (n, 1, 4, 4)), "location": (-1, 1, (n, 2))}
    return [{name: rng.uniform(*kind).astype(np.float32) for name, kind in kinds.items()} for _ in range(3)]


def torch_answers(network: RecurrentAttention, seen: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    """What the PyTorch model does after each glimpse."""
    h, answers = None, []
    with torch.no_grad():
        for observation in seen:
            patches, l_t = (torch.from_numpy(observation[name]) for name in ("patches", "location"))
            h = network.look(h, patches.flatten(1), l_t)
            label = network.action_network(h).argmax(dim=1)
            answers.append({"location": network.location_network(h).numpy(), "label": label.numpy()})
    return answers


@pytest.mark.parametrize("hidden", [0, 16])
def test_numpy_answers_as_torch(hidden: int) -> None:
    learner = RecurrentAttentionLearner(replace(SMALL, location_hidden=hidden))
    agent, seen = learner.policy(), glimpses(40)
    for episode in range(2):  # the second one must not remember the first
        for t, (observation, expected) in enumerate(zip(seen, torch_answers(learner.model.network, seen), strict=True)):
            answer = agent.act(observation, np.full(40, t == 0))
            np.testing.assert_allclose(answer["location"], expected["location"], atol=1e-5, err_msg=f"{episode}")
            np.testing.assert_array_equal(answer["label"], expected["label"])


def test_an_environment_that_begins_anew_forgets_alone() -> None:
    agent, (one, two, _) = RecurrentAttentionLearner(SMALL).policy(), glimpses(4)
    agent.act(one, np.ones(4, bool))
    first = np.array([False, True, False, False])
    mixed = agent.act(two, first)["location"]
    alone = agent.act(two, np.ones(4, bool))["location"]
    assert (np.isclose(mixed, alone).all(axis=1) == first).all()


def test_it_explains_where_it_looked_and_how_likely_each_label_is() -> None:
    learner = RecurrentAttentionLearner(SMALL)
    agent, seen = learner.policy(), glimpses(4)
    firsts = [np.ones(4, bool), np.zeros(4, bool), np.array([False, True, False, False])]
    for observation, first in zip(seen, firsts, strict=True):
        answer = agent.act(observation, first)
    explanation = agent.explain()
    assert [len(path) for path in explanation["glimpses"]] == [3, 1, 3, 3]
    np.testing.assert_array_equal(explanation["glimpses"][2], [one["location"][2] for one in seen])
    np.testing.assert_allclose(explanation["probabilities"].sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(explanation["probabilities"].argmax(axis=1), answer["label"])
    with torch.no_grad():
        *_, expected = (learner.model.network.action_network(h) for h in states(learner.model.network, seen))
    np.testing.assert_allclose(explanation["probabilities"][0], expected.softmax(dim=1)[0].numpy(), atol=1e-5)


def states(network: RecurrentAttention, seen: list[dict[str, np.ndarray]]) -> Iterator[torch.Tensor]:
    """The state h_t[N, H] of the PyTorch model after each glimpse."""
    h = None
    for observation in seen:
        patches, l_t = (torch.from_numpy(observation[name]) for name in ("patches", "location"))
        h = network.look(h, patches.flatten(1), l_t)
        yield h


def test_the_exported_agent_answers_as_torch(tmp_path: Path) -> None:
    learner, seen = RecurrentAttentionLearner(SMALL), glimpses(10)
    folder = export(learner.policy(), Origin("looks", ("glimpse-mnist@1",), 3, 1000), tmp_path / "agent")
    assert read(folder).name == "looks"
    agent = player.load(folder, seen[0], 0)
    *_, answer = (agent.act(one, np.full(len(one["location"]), t == 0)) for t, one in enumerate(seen))
    *_, expected = torch_answers(learner.model.network, seen)
    np.testing.assert_allclose(answer["location"], expected["location"], atol=1e-5)
    assert answer["label"].tolist() == expected["label"].tolist()


def test_each_part_of_the_loss_teaches_its_own_boxes() -> None:
    """Cross-entropy teaches all that leads to the logits, REINFORCE the location network, the baseline itself."""
    learner = RecurrentAttentionLearner(replace(SMALL, early=0.0))
    losses = learner.hybrid_loss(learner.play(np.arange(60)))
    taught = {}
    for name in ("classification", "location", "baseline"):
        learner.model.flat.grad.zero_()
        getattr(losses, name).backward(retain_graph=True)
        boxes = learner.model.network.named_children()
        taught[name] = {box for box, module in boxes if any(p.grad.any() for p in module.parameters())}
    assert taught == {
        "classification": {"glimpse_network", "core", "action_network"},
        "location": {"location_network"},
        "baseline": {"baseline"},
    }


@pytest.mark.parametrize("foresight", [0.0, 0.5, 1.0])
def test_credit_of_a_location(foresight: float) -> None:
    """Of three glimpses: its own gain, and the discounted later one."""
    logits_t, label = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 1, 0, 1])
    log_p = logits_t.log_softmax(-1)[:, range(5), label]
    later = log_p[2] - log_p[1]
    expected = torch.stack((log_p[1] - log_p[0] + foresight * later, later))
    torch.testing.assert_close(recurrent_attention.credit(logits_t, label, foresight), expected)


def test_the_reward_that_teaches_is_the_environments() -> None:
    learner = RecurrentAttentionLearner(replace(SMALL, displacement=0.0))
    played = learner.play(np.arange(60))
    R = learner.hybrid_loss(played).R.numpy()
    env = image_validation.make_env(CORNERS, "train", 60)
    observation, _ = env.reset(options={"image": np.arange(60)})
    guess = learner.model.network.action_network(played.h_t[-1]).argmax(dim=1).numpy()
    for _ in range(3):
        observation, reward, terminated, _, _ = env.step({"location": observation["location"], "label": guess})
    assert terminated.all()
    np.testing.assert_array_equal(R, reward)
    assert 0 < R.mean() < 1


def test_a_displaced_glimpse_is_a_glimpse_of_a_displaced_image() -> None:
    """What the model is given at l of an image that was moved by delta is what the original shows at l - delta."""
    rng = np.random.default_rng(0)
    image, moved = rng.integers(256, size=(2, 1, 12, 12), dtype=np.uint8)
    image[:, :, 10:] = image[:, :, :2] = image[:, :2] = image[:, 10:] = 0
    moved[:] = np.roll(image, (-1, 2), axis=(1, 2))  # a row up, two columns to the right
    delta = np.array([2, -1]) * 2 / 12
    shown = []
    for pictures, shift in ((image, -delta), (moved, np.zeros(2))):
        env = gymnasium.make_vec(CORNERS, num_envs=1, images=pictures, labels=np.zeros(1, int))
        env.reset(seed=0)
        action = {"location": (np.array([[0.1, 0.2]]) + shift).astype(np.float32), "label": np.zeros(1, int)}
        shown.append(env.step(action)[0]["patches"])
    np.testing.assert_array_equal(shown[0], shown[1])
    assert shown[0].any()


@pytest.mark.parametrize("tau", [1.0, 0.25])
def test_averaged_weights_are_evaluated_and_follow_the_learned_ones(tau: float) -> None:
    """They change nothing of what is learned."""
    averaged, plain = (RecurrentAttentionLearner(replace(SMALL, tau=t)) for t in (tau, 1.0))
    for learner in (averaged, plain):
        learner.env.reset(seed=0)
    expected = averaged.model.theta.clone()
    for _ in range(3):
        averaged.update(np.arange(60))
        plain.update(np.arange(60))
        expected += tau * (averaged.model.theta - expected)
    torch.testing.assert_close(averaged.average_theta, expected)
    assert torch.equal(averaged.model.theta, plain.model.theta)
    assert torch.equal(plain.average_theta, plain.model.theta)
    stored = np.concatenate([array.ravel() for array in averaged.policy().tensors().values()])
    assert np.isin(stored, averaged.average_theta.numpy()).all()


def test_an_epoch_looks_at_every_image() -> None:
    learner, looked = RecurrentAttentionLearner(SMALL), []
    learner.env.reset = lambda **kwargs: looked.append(kwargs) or type(learner.env).reset(learner.env, **kwargs)  # type: ignore[method-assign,func-returns-value]
    learner.iterate()
    images = np.concatenate([one["options"]["image"] for one in looked if "options" in one])
    assert len(images) == 5 * 60
    assert set(images[:256]) == set(range(256))
    assert learner.env_steps == 5 * 60 * 3


@pytest.mark.parametrize("change", [{}, {"tau": 0.1, "cycles": 2}], ids=["as it is", "averaged, restarts"])
def test_resumed_from_every_snapshot(change: dict[str, Any]) -> None:
    settings = replace(SMALL, **change)
    events = list(recurrent_attention.train(settings))
    states = [event.state() for event in recurrent_attention.train(settings) if isinstance(event, Snapshot)]
    assert len(states) == 3
    for state in states:
        *_, last = recurrent_attention.train(settings, resume=state)
        for name, tensor in events[-1].policy.tensors().items():  # type: ignore[union-attr]
            np.testing.assert_array_equal(last.policy.tensors()[name], tensor)  # type: ignore[union-attr]
        assert last.update == events[-1].update


def test_a_resumed_run_reports_the_same_metrics() -> None:
    """From snapshots between evaluations, too."""
    settings = replace(SMALL, eval_every_epochs=3)
    whole = [event for event in recurrent_attention.train(settings) if isinstance(event, Progress)]
    states = [event.state() for event in recurrent_attention.train(settings) if isinstance(event, Snapshot)]
    assert len(states) == 3
    for state in states:
        again = [event for event in recurrent_attention.train(settings, resume=state) if isinstance(event, Progress)]
        assert [event.metrics for event in again] == [event.metrics for event in whole]


def test_a_run_writes_a_submission_and_its_curve(tmp_path: Path) -> None:
    submission = runner.run("recurrent-attention", replace(SMALL, epochs=1), tmp_path, quiet=True)
    assert '"location_network.layers.0"' in (submission / "graph.json").read_text(encoding="utf-8")
    curve = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in curve] == ["started", "progress", "evaluated", "finished"]
    assert curve[1]["training error"] > 0


@pytest.mark.parametrize("change", [{}, {"reward": "information"}, {"locations": "random"}])
def test_a_single_glimpse_is_trained_evaluated_and_exported(change: dict[str, Any], tmp_path: Path) -> None:
    """It chooses no location, and so has no loss for one."""
    settings = replace(SMALL, glimpses=1, epochs=2, **change)
    submission = runner.run("recurrent-attention", settings, tmp_path / "run", quiet=True)
    lines = [json.loads(line) for line in (tmp_path / "run" / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    evaluated = [line for line in lines if line["event"] == "evaluated"]
    assert [line["steps"] for line in evaluated] == [5 * 60, 2 * 5 * 60], "a step per image"
    *_, finished = recurrent_attention.train(settings)
    assert isinstance(finished, Finished)
    env = image_validation.make_env(CORNERS, "train", 256, glimpses=1)
    returns = image_validation.evaluate_images(env, finished.policy)
    assert returns.mean() == pytest.approx(max(line["mean"] for line in evaluated))
    stored = glimpse_ablation.load(submission, 0)
    np.testing.assert_array_equal(image_validation.evaluate_images(env, stored), returns)


def last_error(settings: RecurrentAttentionSettings) -> float:
    """Error on the images, in per cent, of the weights that a training run keeps."""
    *_, finished = recurrent_attention.train(settings)
    assert isinstance(finished, Finished)
    env = image_validation.make_env(settings.task, "train", 256)
    return 100 * (1 - float(image_validation.evaluate_images(env, finished.policy, seed=7).mean()))


@pytest.mark.parametrize("reward", ["correct", "information"])
def test_it_learns_to_look_where_the_difference_is(reward: Any) -> None:
    """Some first glimpses, at random places, see it; who never looks there is right half of the other times."""
    known = replace(
        SMALL, reward=reward, epochs=40, batch_size=64, displacement=0.0, deviation=0.2, eval_every_epochs=10, early=0.0
    )
    assert last_error(known) <= 2
    assert last_error(replace(known, locations="centre")) >= 20


def test_the_best_weights_are_kept() -> None:
    evaluations = [event for event in recurrent_attention.train(SMALL) if isinstance(event, Evaluated)]
    validation = image_validation.ImageValidation(CORNERS)
    *_, finished = recurrent_attention.train(SMALL)
    assert isinstance(finished, Finished)
    assert validation.evaluate(finished.policy)[0] == max(evaluations, key=lambda event: event.mean).returns


def test_multiplications_of_three_glimpses() -> None:
    """Patches 16 -> 8, location 2 -> 8, both 16 -> 12, core 12 -> 12 and, from the second on, 12 -> 12 again."""
    network = RecurrentAttention(16, 2, width=8, state=12, location_hidden=6)
    glimpse, move, label = 16 * 8 + 2 * 8 + 16 * 12 + 12 * 12, 12 * 12 + 12 * 6 + 6 * 2, 12 * 2
    count = multiply_accumulates(network, lambda: glimpse_ablation.look(network, 16, 3, SMALL))
    assert count == 3 * glimpse + 2 * move + label


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"deviation": 0.0}, "deviation must be a positive number, not 0.0"),
        ({"displacement": -0.1}, "displacement must be a number of at least 0, not -0.1"),
        ({"glimpses": -1}, "glimpses must be a whole number of at least 0, not -1"),
        ({"reward": "points"}, "unknown reward 'points'"),
        ({"tau": 0.0}, "tau must be a positive number, not 0.0"),
        ({"cycles": 0}, "cycles must be a whole number of at least 1, not 0"),
        ({"cycles": 4}, "epochs=3 must hold cycles=4, each of an epoch at least"),
        ({"foresight": 1.5}, r"foresight must lie in \[0, 1\], not 1.5"),
        ({"locations": "left"}, "unknown locations 'left'"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, not 0"),
        ({"task": "cart-pole@1"}, "cart-pole@1 shows no glimpses; environments that do: rlbench/GlimpseMNIST-v0"),
        ({"device": "tpu"}, "unknown device 'tpu'; did you mean cpu"),
    ],
)
def test_bad_settings(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        next(recurrent_attention.train(replace(SMALL, **change)))


def test_a_loss_that_is_no_number() -> None:
    for locations, what in (("learned", "a location"), ("centre", "the loss")):
        settings = replace(SMALL, learning_rate=1e30, locations=locations)  # type: ignore[arg-type]
        with pytest.raises(UserError, match=rf"{what} became (nan|inf) at update \d+; try a lower learning rate"):
            list(recurrent_attention.train(settings))
