"""The two scripts behind figures in docs/agents.md, for one short round; neither is a comparison of speed."""

from dataclasses import replace

import pytest

from baselines.algorithms import dqn
from baselines.training.events import Evaluated


def test_every_departure_can_be_taken_back():
    from tests.benchmarks import departures

    for change in departures.WITHOUT.values():
        config = replace(dqn.PRESETS["fast"], evaluation_episodes=1, **change)
        assert next(each.returns for each in dqn.train(config) if isinstance(each, Evaluated))


def test_resident_memory_is_measured():
    pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")
    from tests.benchmarks import atari_memory

    sizes = atari_memory.measure(steps=160, capacity=1_000, task="rlbench/AtariPong-v0", evaluation_steps=2)
    assert len(sizes) == atari_memory.TENTHS
    assert min(sizes) > 1_000 * 84 * 84
