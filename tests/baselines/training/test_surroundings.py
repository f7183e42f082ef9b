"""What belongs to the caller stays as it was, between events too; what the caller has set changes no weight."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.algorithms import dqn
from baselines.training import runner
from rlbench.errors import UserError
from tests.baselines.algorithms.test_recurrent_attention import corners_registered  # noqa: F401  # its images
from tests.baselines.algorithms.test_smallest_settings import RUNS
from tests.baselines.surroundings import surroundings
from tests.blas import blas_threads, set_blas_threads

NETWORKS = [name for name in RUNS if name not in ("value-iteration", "q-learning")]


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    """A caller with 3 threads and a generator of its own."""
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    torch.manual_seed(5)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_caller_finds_the_process_as_it_left_it(name: str) -> None:
    before = surroundings()
    events = runner.load(name.split()[0]).train(RUNS[name])
    for number, _ in enumerate(events):
        assert surroundings() == before, f"after event {number}"
    events = runner.load(name.split()[0]).train(RUNS[name])
    next(events)
    events.close()  # dropped half way
    assert surroundings() == before


def test_a_run_that_raises_leaves_nothing_behind() -> None:
    before = surroundings()
    with pytest.raises(UserError, match=r"the loss became|a weight became"):
        list(dqn.train(replace(RUNS["dqn fast"], learning_rate=1e30, learning_rate_end=1e30, total_env_steps=400)))
    assert surroundings() == before


def test_environments_are_closed_when_a_run_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(dqn.DQN, "close", lambda self: closed.append(True))
    events = dqn.train(RUNS["dqn"])
    next(events)
    del events
    assert closed == [True]


@contextmanager
def changed(get: Callable[[], Any], set_to: Callable[[Any], Any], value: Any) -> Iterator[None]:
    """A global setting changed inside."""
    before = get()
    set_to(value)
    try:
        yield
    finally:
        set_to(before)


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "double precision": lambda: changed(torch.get_default_dtype, torch.set_default_dtype, torch.float64),
    "another device": lambda: changed(torch.get_default_device, torch.set_default_device, "meta"),
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "half precision": lambda: torch.autocast("cpu"),
    "deterministic algorithms": lambda: changed(
        torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms, True
    ),
    "errors of NumPy": lambda: np.errstate(all="raise"),
    "another generator": lambda: changed(torch.get_rng_state, torch.set_rng_state, torch.Generator().get_state()),
}


def weights(folder: Path, name: str, surrounding: AbstractContextManager[Any]) -> dict[str, bytes]:
    """The weights and the manifest of a training run that is made within a surrounding."""
    with surrounding:
        submission = runner.run(name.split()[0], RUNS[name], folder, quiet=True)
    return {file.name: file.read_bytes() for file in sorted(submission.iterdir())}


@pytest.mark.parametrize("threads", [1, 2])
def test_weights_are_learned_on_one_thread_of_numpy(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    learn = dqn.DQN.iterate
    monkeypatch.setattr(dqn.DQN, "iterate", lambda self: (seen.append(blas_threads()), learn(self))[1])
    with changed(blas_threads, set_blas_threads, threads):
        for _ in dqn.train(RUNS["dqn"]):
            assert blas_threads() == threads
    assert set(seen) == {1}


@pytest.mark.parametrize(
    "name", ["reinforce", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dqn fast", "soft-actor-critic"))]
)
def test_weights_do_not_depend_on_what_the_caller_has_set(name: str, tmp_path: Path) -> None:
    expected = weights(tmp_path / "plain", name, nullcontext())
    for setting, surrounding in SETTINGS.items():
        assert weights(tmp_path / setting, name, surrounding()) == expected, setting


def test_runs_in_two_threads_at_once_are_like_one(tmp_path: Path) -> None:
    expected = weights(tmp_path / "alone", "dqn fast", nullcontext())
    made: list[dict[str, bytes]] = []

    def train(number: int) -> None:
        made.append(weights(tmp_path / str(number), "dqn fast", nullcontext()))

    threads = [threading.Thread(target=train, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [expected] * 2
    assert torch.get_num_threads() == 3
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [3]
