"""Environments of tensors against those of NumPy's arrays; and that a step neither copies nor waits."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.error import DependencyNotInstalled, InvalidAction, ResetNeeded

import rlbench.core.runners
from rlbench.core.compiler import ptx
from rlbench.core.world import World
from rlbench.errors import ArgumentError, TooLargeError
from tests.core.fake_cuda import FakeLibrary, gpu_on_the_cpu
from tests.pretend_device import LOG, pretend_device

CASES = {
    "cart-pole": ("rlbench/CartPole-v0", {}),
    "forces": ("rlbench/CartPole-v0", {"continuous": True}),
    "grid world": ("rlbench/GridWorldFourRooms-v0", {"slip": 0.1}),
    "glimpse": ("rlbench/GlimpseMNIST-v0", {}),
    "go": ("rlbench/Go5x5-v0", {}),
}


def as_tensors(values, device="cpu"):
    if isinstance(values, dict):
        return {name: as_tensors(value, device) for name, value in values.items()}
    return torch.from_numpy(np.array(values)).to(device)


def as_arrays(values):
    if isinstance(values, dict):
        return {name: as_arrays(value) for name, value in values.items()}
    if isinstance(values, tuple):
        return tuple(map(as_arrays, values))
    return values.cpu().numpy() if isinstance(values, torch.Tensor) else values


def check_same(arrays, tensors):
    """Whether tensors hold what arrays do; `info` of tensors may hold more."""
    if isinstance(arrays, dict):
        for name in arrays:
            check_same(arrays[name], tensors[name])
    elif isinstance(arrays, tuple):
        for a, b in zip(arrays, tensors, strict=True):
            check_same(a, b)
    else:
        np.testing.assert_array_equal(arrays, tensors.cpu().numpy(), strict=True)


def play_both(ours, theirs, steps, seed=3, device="cpu"):
    """Step both with the same actions; returns how many episodes ended."""
    check_same(theirs.reset(seed=seed), ours.reset(seed=seed))
    theirs.action_space.seed(seed)
    ended, keys = 0, None
    for _ in range(steps):
        actions = theirs.action_space.sample()
        expected, outcome = theirs.step(actions), ours.step(as_tensors(actions, device))
        check_same(expected[:4], outcome[:4])
        info = as_arrays(outcome[4])
        if expected[4]:
            check_same_where_ended(expected[4], outcome[4])
        keys = keys or info.keys()
        assert info.keys() == keys
        ended += int((expected[2] | expected[3]).sum())
    ours.check()
    return ended


def check_same_where_ended(expected, info):
    for name, value in expected.items():
        check_same(value, info[name])


def both(case, num_envs, device="cpu", **kwargs):
    env_id, own = CASES[case]
    theirs = gymnasium.make_vec(env_id, num_envs=num_envs, **own, **kwargs)
    return gymnasium.make_vec(env_id, num_envs=num_envs, device=device, **own, **kwargs), theirs


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize("case", CASES)
def test_tensors_hold_what_arrays_do(case, mode):
    assert play_both(*both(case, 5, autoreset_mode=mode), 120) > 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize("case", CASES)
def test_tensors_hold_what_arrays_do_for_long(case, mode):
    ours, theirs = both(case, 700, autoreset_mode=mode)  # enough for several threads
    assert play_both(ours, theirs, 3_000) > 700


def test_outputs_are_new_in_every_step_unless_asked_for():
    env, _ = both("cart-pole", 3)
    env.reset(seed=0)
    first, second = (env.step(torch.zeros(3, dtype=torch.int64)) for _ in range(2))
    assert first[0].data_ptr() != second[0].data_ptr()
    same, _ = both("cart-pole", 3, copy=False)
    same.reset(seed=0)
    first, second = (same.step(torch.zeros(3, dtype=torch.int64)) for _ in range(2))
    assert all(a.data_ptr() == b.data_ptr() for a, b in zip(first[:4], second[:4], strict=True))


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_an_environment_whose_action_is_invalid_stands_still(mode):
    env, other = both("cart-pole", 4, autoreset_mode=mode)
    before, _ = env.reset(seed=5)
    other.reset(seed=5)
    outcome = env.step(torch.tensor([1, 2, -1, 0]))
    expected = other.step(np.array([1, 0, 0, 0]))
    for here, there in zip(outcome[:4], expected[:4], strict=True):
        np.testing.assert_array_equal(here.numpy()[[0, 3]], there[[0, 3]])
    assert torch.equal(outcome[0][1:3], before[1:3])
    assert [each[1:3].tolist() for each in outcome[1:4]] == [[0.0, 0.0], [False] * 2, [False] * 2]
    with pytest.raises(
        InvalidAction, match=r"Discrete\(2\) does not hold the actions of 2 environments, the first of them 1; "
    ):
        env.check()
    env.check()
    env.step(torch.tensor([1, 1, 1, 7]))
    with pytest.raises(InvalidAction, match="the actions of 1 environment, the first of them 3;"):
        env.reset(seed=5)
    assert torch.equal(env.reset(seed=5)[0], before)
    env.step(torch.tensor([3, 1, 1, 1]))
    with pytest.raises(InvalidAction, match="the first of them 0"):
        env.close()


BAD_ACTIONS = [
    (np.zeros(2, np.int64), r"takes a tensor on cpu"),
    ([0, 1], r"takes a tensor on cpu"),
    (None, r"takes a tensor on cpu"),
    (torch.zeros(2), r"are torch.float32 of shape \(2,\); this environment takes integers of shape \(2,\)"),
    (torch.zeros(2, dtype=torch.bool), r"are torch.bool of shape"),
    (torch.zeros(3, dtype=torch.int64), r"of shape \(3,\); this environment takes integers of shape \(2,\)"),
    (torch.zeros(2, 1, dtype=torch.int64), r"of shape \(2, 1\)"),
    (torch.zeros(2, dtype=torch.int64, device="meta"), r"are on meta; this environment, and its policy, are on cpu"),
]


@pytest.mark.parametrize(("actions", "message"), BAD_ACTIONS)
def test_actions_of_another_kind_are_refused_at_once(actions, message):
    env, _ = both("cart-pole", 2)
    env.reset(seed=0)
    state = env.state
    with pytest.raises(InvalidAction, match=message) as error:
        env.step(actions)
    assert "\n" not in str(error.value)
    assert all(torch.equal(a, b) for a, b in zip(state, env.state, strict=True))


def test_actions_of_other_widths_and_strides_are_taken():
    env, other = both("forces", 3)
    check_same(other.reset(seed=1), env.reset(seed=1))
    wide = torch.tensor([[0.5, 9.0], [-0.25, 9.0], [1.0, 9.0]], requires_grad=True)
    outcome, expected = env.step(wide[:, :1]), other.step(wide.detach().numpy()[:, :1])
    check_same(expected[:4], outcome[:4])
    env, other = both("cart-pole", 3)
    check_same(other.reset(seed=1), env.reset(seed=1))
    check_same(other.step(np.array([1, 0, 1]))[:4], env.step(torch.tensor([1, 0, 1], dtype=torch.uint8))[:4])


@pytest.mark.parametrize("device", ["gpu", "cuda:x", 3, "", "cpu:0:1", True, torch.device("meta"), [], "CUDA"])
def test_a_device_that_is_none_is_refused(device):
    with pytest.raises(ArgumentError, match="device is 'cpu', 'cuda' or 'cuda:N', got ") as error:
        both("cart-pole", 2, device=device)
    assert "\n" not in str(error.value)


REFUSED = [
    ("rlbench/CartPole-v0", {"autoreset_mode": "Disabled"}, "NextStep or SameStep"),
    ("rlbench/CartPole-v0", {"parallel": 3}, "parallel is True or False"),
    ("rlbench/CartPole-v0", {"num_envs": 10**12}, "GB of memory"),
    ("rlbench/CartPole-v0", {"gravityy": 3}, "gravity"),
    ("rlbench/Go5x5-v0", {"illegal": "raise"}, "illegal='raise' would wait"),
    ("rlbench/Go5x5-v0", {"opponent": "gnugo:1"}, "is a program, which plays no tensors"),
]


@pytest.mark.parametrize(("env_id", "kwargs", "message"), REFUSED)
def test_what_tensors_cannot_have_is_refused(env_id, kwargs, message):
    with pytest.raises((ArgumentError, TooLargeError, TypeError), match=message) as error:
        gymnasium.make_vec(env_id, device="cpu", **{"num_envs": 2, **kwargs})
    assert "\n" not in str(error.value)


def test_a_step_before_the_first_reset_is_refused():
    env, _ = both("cart-pole", 2)
    with pytest.raises(ResetNeeded):
        env.step(torch.zeros(2, dtype=torch.int64))


def test_without_torch_it_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(rlbench.core.runners, "import_library", missing)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "rlbench\[baselines\]"'):
        both("cart-pole", 2)


def test_options_states_masks_and_frames():
    env, other = both("cart-pole", 3, render_mode="rgb_array")
    options = {"low": np.full(3, -0.2), "high": np.full(3, 0.2)}
    check_same(other.reset(seed=2, options=options), env.reset(seed=2, options=options))
    state = {"x": np.array([0.0, 1.0, 9.0]), "x_dot": 0.0, "theta": 0.1, "theta_dot": 0.0}
    state = {name: np.broadcast_to(value, 3).astype(float) for name, value in state.items()}
    check_same(other.reset(options={"state": state}), env.reset(options={"state": state}))
    assert env.states() == other.states()
    for frame, expected in zip(env.render(), other.render(), strict=True):
        np.testing.assert_array_equal(frame, expected)
    mask = {"reset_mask": np.array([True, False, True])}
    check_same(other.reset(options=mask), env.reset(options=mask))
    actions = np.array([0, 1, 1])
    check_same(other.step(actions)[:4], env.step(torch.from_numpy(actions))[:4])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("parallel", [False, True])
def test_a_copy_goes_on_alike(copied, parallel):
    env, _ = both("grid world", 300, parallel=parallel)
    env.reset(seed=2)
    other = copied(env)
    actions = torch.arange(300) % 4
    for _ in range(5):
        assert all(torch.equal(a, b) for a, b in zip(env.step(actions)[:4], other.step(actions)[:4], strict=True))


@pytest.fixture
def pretend_gpu():
    """A GPU whose kernels run on the CPU, and whose memory torch takes for another device."""
    library = FakeLibrary()
    with pretend_device() as device, gpu_on_the_cpu(library, device) as gpu:
        yield gpu, library


ON_DEVICE = {"aten.empty.memory_format", "aten.bitwise_or.Tensor", "aten.detach.default"}
"""The operations of torch in a step: new outputs, and which episodes ended. Detaching only makes a view."""


@pytest.mark.parametrize(("case", "mode"), [("cart-pole", "SameStep"), ("grid world", "NextStep")])
def test_a_step_on_a_gpu_is_the_cpus_without_a_copy_or_a_wait(pretend_gpu, case, mode):
    gpu, library = pretend_gpu
    ours, theirs = both(case, 37, device="cuda", autoreset_mode=mode)
    assert ours.device == gpu.device
    assert play_both(ours, theirs, 150, device=gpu.device) > 5
    assert {stream for _, _, stream, _ in library.launches} == {42}
    actions = as_tensors(theirs.action_space.sample(), gpu.device)
    launches = len(library.launches)
    LOG.__init__()
    for _ in range(3):
        ours.step(actions)
    assert LOG.crossings == []
    assert len(library.launches) == launches + 3
    assert {str(each) for each in LOG.operations} <= ON_DEVICE
    assert len({slots for *_, slots in library.launches[-3:]}) == 3  # new outputs
    ours.check()
    assert LOG.crossings  # it is no check that cannot fail


def test_a_step_can_be_captured(pretend_gpu):
    """With the same outputs each step is the very same launch, so that no value of Python's is missed by a replay."""
    gpu, library = pretend_gpu
    env, _ = both("cart-pole", 5, device="cuda", autoreset_mode="SameStep", copy=False)
    env.reset(seed=0)
    actions = torch.ones(5, dtype=torch.int64, device=gpu.device)
    del library.launches[:]
    for _ in range(40):
        env.step(actions)
    assert len(library.launches) == 40
    assert len(set(library.launches)) == 1


def test_a_restart_is_a_reset_without_a_wait(pretend_gpu):
    ours, theirs = both("cart-pole", 4, device="cuda", autoreset_mode="SameStep")
    with pytest.raises(ResetNeeded):
        ours.restart()
    play_both(ours, theirs, 30, device=pretend_gpu[0].device)
    LOG.__init__()
    observations = ours.restart()
    assert LOG.crossings == []
    check_same(theirs.reset()[0], observations)
    actions = np.ones(4, np.int64)
    for _ in range(30):
        check_same(theirs.step(actions)[:4], ours.step(as_tensors(actions, pretend_gpu[0].device))[:4])


def test_a_policy_on_another_device_is_told_so(pretend_gpu):
    env, _ = both("cart-pole", 3, device="cuda")
    env.reset(seed=0)
    with pytest.raises(InvalidAction, match="are on cpu; this environment, and its policy, are on pretend:0"):
        env.step(torch.zeros(3, dtype=torch.int64))


def test_environments_that_do_not_fit_into_the_gpu_are_counted(pretend_gpu):
    _, library = pretend_gpu
    library.free = 1 << 20
    with pytest.raises(
        TooLargeError, match=r"num_envs=10000: they take \S+ GiB, pretend:0 has \S+ GiB free: "
    ) as error:
        both("cart-pole", 10_000, device="cuda")
    fit = int(str(error.value).rpartition(": ")[2].split()[0].replace(",", ""))
    assert 1_000 < fit < 10_000
    both("cart-pole", fit, device="cuda")
    with pytest.raises(TooLargeError, match=f"{fit:,} fit"):
        both("cart-pole", fit + 1, device="cuda")


@pytest.mark.slow
def test_threads_with_memory_to_work_in_are_launched_in_turn(pretend_gpu, monkeypatch):
    _, library = pretend_gpu
    monkeypatch.setattr(rlbench.core.runners, "FEWEST_THREADS", 16)
    monkeypatch.setattr(rlbench.core.runners, "WORKING_MEMORY", 1)
    ours, theirs = both("go", 40, device="cuda")
    del library.launches[:]
    check_same(theirs.reset(seed=1), ours.reset(seed=1))
    assert [first for first, *_ in library.launches] == [0, 16, 32]


def test_an_opponent_that_searches_needs_a_cpu():
    with pytest.raises(ArgumentError, match="an opponent that searches needs a CPU; take device='cpu'"):
        gymnasium.make_vec("rlbench/Go5x5-v0", num_envs=2, device="cuda", opponent="mcts:10")


def test_parallel_is_of_cpus():
    with pytest.raises(ArgumentError, match="parallel=True is of CPUs; leave it out for device='cuda'"):
        both("cart-pole", 2, device="cuda", parallel=True)


def test_no_kernel_is_made_for_a_world_of_a_registered_id():
    world = World("rlbench.envs.cart_pole.rules", None, {})
    assert (ptx.SHIPPED / ptx.file_name(world, "step")).is_file()
