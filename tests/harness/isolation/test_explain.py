"""Explanations across the process boundary: they arrive whole, and hostile or wrong ones cost nothing."""

import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlbench.harness import submission
from rlbench.harness.blocks import agent_seed, play_isolated, play_watched
from rlbench.harness.isolation import explain as protocol
from rlbench.harness.isolation.explain import MAX_BYTES, SHAPES, Explanation, decode, encode
from tests.harness.isolation.watching import appended_to

linux = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")


def test_an_explanation_arrives_environment_by_environment():
    explanation = {
        "action_values": np.array([[1.0, -2.5], [1e-9, 3e20]], np.float32),
        "value": np.array([1.0, 3e20]),
        "glimpses": [[(0, 0)], [(0.5, -1), (0.25, 1)]],
    }
    first, second = decode(encode(explanation), 2)
    assert first == Explanation(action_values=(1.0, -2.5), value=1.0, glimpses=((0.0, 0.0),))
    assert second.action_values == pytest.approx((1e-9, 3e20), rel=1e-5)
    assert second.glimpses == ((0.5, -1.0), (0.25, 1.0))
    assert decode(encode(None), 2) == decode(b"", 2) == (Explanation(), Explanation())
    assert first.plain() == {"action_values": (1.0, -2.5), "value": 1.0, "glimpses": ((0.0, 0.0),)}


WRONG = {
    "no dict": [1, 2],
    "another name": {"thoughts": [1, 2]},
    "too few rows": {"value": [1.0]},
    "no list": {"value": 3.0},
    "a string": {"value": ["1", "2"]},
    "a bool": {"value": [True, False]},
    "too deep": {"action_values": [[[1.0]], [[2.0]]]},
    "too flat": {"action_values": [1.0, 2.0]},
    "places of three": {"glimpses": [[[0, 0, 0]], [[0, 0, 0]]]},
    "an integer beyond any float": {"value": [10**400, 1]},
    "too many": {"action_values": [[0] * 5000, [0]]},
}


@pytest.mark.parametrize("explanation", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_one_line(explanation):
    for each in decode(json.dumps(explanation).encode(), 2):
        assert each.error.startswith("explain() cannot be understood: ")
        assert "\n" not in each.error
        assert len(each.error) < 200


@pytest.mark.parametrize(
    "data",
    [b"{", b"\xff\xfe", b"[" * 100_000, b'{"value": [NaN, 1]}', b'{"value": [Infinity, 1]}', b"1" * 5000, b"\0garbage"],
)
def test_what_is_no_json_is_survived(data):
    assert len(decode(data, 2)) == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SHAPES, "x"]), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=200), json_values.map(lambda value: json.dumps(value).encode())), st.integers(1, 3))
def test_any_bytes_give_explanations_of_finite_numbers(data, num_envs):
    read = decode(data, num_envs)
    assert len(read) == num_envs
    for each in read:
        assert each.value is None or math.isfinite(each.value)
        assert all(math.isfinite(value) for value in (*each.action_values, *each.probabilities))
        assert all(len(place) == 2 for place in each.glimpses)


@pytest.mark.parametrize(
    "explanation", [{"value": [math.nan]}, {"value": [object()]}, {"action_values": [["x" * 90] * MAX_BYTES]}]
)
def test_what_cannot_cross_is_an_error_in_the_agents_process(explanation):
    with pytest.raises((ValueError, TypeError)):
        encode(explanation)


def explanations_of(submit, task, act, explain=None):
    """The explanations of every step, by an isolated agent, and its episodes."""
    source = f"""
        import numpy as np
        class Agent:
            def act(self, observation, first):
                self.observation = observation
                {act}
            {explain or ""}
        def load(task, spaces, seed):
            return Agent()
    """
    entrant = submission.read(submit(source=source))
    explanations = []
    seed = agent_seed(task, entrant.training_seed, 0)
    episodes, _ = play_watched(task, entrant, task.block(0), seed, appended_to(explanations))
    return explanations, episodes, play_isolated(task, entrant, 0).episodes


ACT = "return np.where(observation < 4, 3, 0)"  # up, then to the left: into the corner


@linux
def test_an_isolated_agent_explains_and_scores_the_same(submit, grid_task):
    explain = "def explain(self): return {'value': self.observation * 2.0}"
    explanations, watched, evaluated = explanations_of(submit, grid_task, ACT, explain)
    assert [each.value for each in explanations[0]] == [8.0, 10.0, 12.0]  # starts 4, 5, 6
    assert watched == evaluated


@linux
@pytest.mark.parametrize(
    ("explain", "message"),
    [
        (None, ""),
        ("def explain(self): raise ValueError('shy')", "explain() failed: ValueError: shy"),
        ("def explain(self): return {'value': ['\\ud800'] * 3}", "explain() "),
        ("def explain(self): return {'value': ['x' * 100000] * 3}", "explain() failed: ValueError: explain() returned"),
        ("def explain(self): return object()", "explain() failed: TypeError"),
        ("explain = 3", "explain() failed: TypeError"),
    ],
)
def test_no_explanation_and_mistakes_in_one_cost_nothing(submit, grid_task, explain, message):
    explanations, watched, evaluated = explanations_of(submit, grid_task, ACT, explain)
    assert explanations[0][0].error.startswith(message)
    assert watched == evaluated
    assert {episode.status for episode in watched} == {"ok"}


@linux
def test_agents_of_one_environment_explain_together(submit, grid_task):
    source = """
        class Agent:
            def act(self, observation):
                self.observation = observation
                return 3
            def explain(self):
                return {"action_values": [float(self.observation), 0.0]}
        def load(task, spaces, seed):
            return Agent()
    """
    entrant = submission.read(submit(source=source))
    explanations = []

    def watch(act, process):
        return lambda observation, first: (act(observation, first), explanations.append(process.explanations()))[0]

    play_watched(grid_task, entrant, range(3), 0, watch)
    assert [each.action_values for each in explanations[0]] == [(4.0, 0.0), (5.0, 0.0), (6.0, 0.0)]


def test_the_documented_names_are_those_that_are_read():
    assert all(name in protocol.__doc__ for name in SHAPES)
