"""Autotuning of loops whose time is made up: the clock is the test's."""

import pytest

from rlbench.core.compiler import autotune
from rlbench.core.compiler.autotune import FIRST_WAIT, TRIAL, Autotuner


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(autotune.time, "perf_counter", lambda: now[0])

    def loop(name, cost):
        def call():
            now[0] += cost[0]
            return name

        return call

    return loop


def test_the_faster_loop_ends_up_favourite(clock):
    tuned = Autotuner(clock(1, [3.0]), clock(2, [1.0]))
    names = [tuned() for _ in range(1_000)]
    assert names[:FIRST_WAIT] == [1] * FIRST_WAIT
    assert names.count(2) > 900


def test_a_slower_loop_is_tried_ever_more_rarely(clock):
    tuned = Autotuner(clock(1, [1.0]), clock(2, [3.0]))
    names = [tuned() for _ in range(10_000)]
    trials = names.count(2) / (TRIAL + 1)
    assert trials == pytest.approx(9, abs=1)  # 16 + 32 + ... + 4096 calls apart


def test_a_loop_that_becomes_slow_is_left(clock):
    cost = [1.0]
    tuned = Autotuner(clock(1, [2.0]), clock(2, cost))
    assert [tuned() for _ in range(200)][-1] == 2
    cost[0] = 50.0
    assert [tuned() for _ in range(9_000)].count(1) > 1_000
