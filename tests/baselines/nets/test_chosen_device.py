"""Where a training run computes: what settings say, and what auto chooses."""

from dataclasses import replace
from unittest import mock

import pytest
import torch

from baselines.algorithms import actor_critic, alphazero, dqn, recurrent_attention, reinforce, soft_actor_critic
from baselines.algorithms.policy_gradient_base import placed
from baselines.nets import devices
from baselines.training.loop import computing
from baselines.training.place import place
from rlbench.errors import UserError

FAST = dqn.PRESETS["fast"]


@pytest.fixture(params=[True, False], ids=["a GPU", "no GPU"])
def gpu(request):
    with mock.patch.object(torch.cuda, "is_available", return_value=request.param):
        yield request.param


@pytest.mark.parametrize(
    ("settings", "worth"),
    [
        (FAST, False),
        (actor_critic.PRESETS["fast"], False),
        (actor_critic.PRESETS["locomotion"], False),
        (replace(actor_critic.PRESETS["fast"], num_envs=4_096), True),
        (reinforce.PRESETS["fast"], False),
        (reinforce.PRESETS["go"], True),
        (soft_actor_critic.PRESETS["fast"], True),
        (dqn.PRESETS["atari-cpu"], True),
        (recurrent_attention.PRESETS["mnist"], True),
        (alphazero.PRESETS["go5"], True),
    ],
)
def test_auto_takes_a_gpu_that_is_worth_it(gpu, settings, worth):
    settings = replace(settings, device="auto")
    assert devices.chosen_device(settings).type == ("cuda" if gpu and worth else "cpu")
    assert bool(devices.why_cpu(settings)) == (gpu and not worth)


def test_a_device_that_was_asked_for_is_taken(gpu):
    assert devices.chosen_device(replace(FAST, device="cpu")).type == "cpu"
    assert devices.why_cpu(replace(FAST, device="cpu")) == ""
    if gpu:
        assert devices.chosen_device(replace(FAST, device="cuda")).type == "cuda"
        return
    with pytest.raises(UserError, match="device=cuda, but PyTorch finds no CUDA device here; use device=cpu"):
        devices.chosen_device(replace(FAST, device="cuda"))


def test_draws_of_a_counter_put_data_on_the_device():
    """Environments that follow rules, too; simulators step on the CPU beside it."""
    assert place(replace(FAST, device="cpu")).tensors is False
    there = place(replace(FAST, device="cpu", draws="counter"))
    assert (there.tensors, there.beside) == (True, False)
    robots = replace(actor_critic.PRESETS["fast"], task="half-cheetah@1", device="cpu", draws="counter")
    assert placed(robots).beside is True
    assert placed(replace(robots, draws="auto")).tensors is False
    assert (
        placed(replace(reinforce.PRESETS["fast"], task="half-cheetah@1", device="cpu", draws="counter")).beside is True
    )
    whole = replace(robots, horizon=0, advantage="return", observation_scale=(), normalize_observations=True)
    with pytest.raises(UserError, match=r"draws=counter .* and normalization of whole episodes needs a CPU; leave it"):
        placed(whole)
    assert placed(replace(whole, draws="auto")).tensors is False


@pytest.mark.parametrize(("precision", "allowed"), [("float32", False), ("tf32", True)])
def test_factors_are_rounded_to_tf32_only_where_asked_for(precision, allowed):
    switches = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [each.allow_tf32 for each in switches]
    with computing(1, precision):
        assert [each.allow_tf32 for each in switches] == [allowed] * 2
    assert [each.allow_tf32 for each in switches] == before


def test_a_replay_larger_than_the_device_is_refused():
    from baselines.data.replay import Replay

    gpu = torch.device("cuda")
    refused = pytest.raises(UserError, match=r"a replay of 100,000,000 transitions takes .* and cuda has 1.0 GiB left")
    with mock.patch.object(torch.cuda, "mem_get_info", return_value=(2**30, 2**31)), refused:
        Replay(10**8, 4, gpu)
