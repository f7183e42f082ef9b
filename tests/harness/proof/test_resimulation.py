"""Actions are re-simulated where no agent ran: what was written into the harness's environment shows."""

import sys

import numpy as np
import pytest

from rlbench.harness import evaluate, kept, submission, verify
from rlbench.harness.proof import findings
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
CART_POLE = get_task("cart-pole")
LEAN = "return (observation[:, 2] < 0).astype(int)"


def verified(task, folder, tmp_path):
    path = evaluate.evaluate(task, folder, tmp_path / "results", quiet=True)
    return record.read(path), verify.verify(path, task, submission.read(folder), quiet=True)


class Bribed:
    """An environment in the harness's process whose reward somebody has changed."""

    def __init__(self, env):
        self._env = env

    def step(self, action):
        observation, reward, *rest = self._env.step(action)
        return observation, reward + 0.5, *rest

    def __getattr__(self, name):
        return getattr(self._env, name)


def test_a_reward_that_was_changed_in_the_harness_is_found_out(submit, tmp_path, monkeypatch):
    make = kept.make_env
    monkeypatch.setattr(kept, "make_env", lambda *arguments: Bribed(make(*arguments)))
    run, found = verified(CART_POLE, submit(LEAN), tmp_path)
    assert found.different == {}  # whoever plays again is deceived again
    assert len(found.unsound) == 100
    length = run.episodes[0]["length"]
    assert f"return {1.5 * length}, re-simulated {float(length)}" in found.unsound[0]
    assert findings.state(run, found) == "different"


FAILING = {
    "crash": "self.t += 1\nif self.t == 5: raise ValueError\nreturn (observation[:, 2] < 0).astype(int)",
    "invalid_action": "self.t += 1\na = (observation[:, 2] < 0).astype(int)\nif self.t == 5: a[3] = 7\nreturn a",
}


@pytest.mark.parametrize("status", FAILING)
def test_of_failed_episodes_what_came_before_is_simulated(submit, tmp_path, status):
    folder = submit(FAILING[status])
    source = (folder / "agent.py").read_text(encoding="utf-8")
    (folder / "agent.py").write_text(source.replace("def act", "t = 0\n\n    def act", 1), encoding="utf-8")
    run, found = verified(CART_POLE, folder, tmp_path)
    assert status in {line["status"] for line in run.episodes}
    assert (found.different, found.unsound, findings.state(run, found)) == ({}, {}, "verified")


def test_real_actions_are_simulated(submit, tmp_path):
    pytest.importorskip("mujoco")
    run, found = verified(
        get_task("hopper"), submit("return np.sin(observation[:, :3] * 9).astype(np.float32)"), tmp_path
    )
    assert len({line["return"] for line in run.episodes}) > 10
    assert (found.different, found.unsound) == ({}, {})


def test_an_episode_that_the_actions_do_not_end_is_named():
    line = {"index": 3, "status": "ok", "length": 9, "return": 9.0}
    simulated = [{**line, "status": "crash", "length": 12}]
    assert verify.mismatches({3: line}, simulated) == {
        3: ["status 'ok', re-simulated 'crash'", "length 9, re-simulated 12"]
    }
    assert verify.mismatches({3: {**line, "status": "oom"}}, simulated) == {}
    over = [{**line, "length": 7}]
    assert verify.mismatches({3: {**line, "status": "oom"}}, over) == {3: ["length 9, re-simulated 7"]}
    assert np.isfinite(line["return"])
