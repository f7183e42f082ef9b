"""`rlbench compare` over the committed results, and over none."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from rlbench import cli
from rlbench.harness.results import record

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture
def compare(capsys):
    def call(*words):
        code = cli.main(["compare", *words, "--results", str(RESULTS), "--json"])
        out, err = capsys.readouterr()
        return json.loads(out) if code == 0 else (code, err)

    return call


def seeds(task, agent):
    rows = record.load(RESULTS).query("task == @task and agent == @agent")
    return rows.groupby("training_seed")["return"].mean().to_numpy()


def test_two_agents_on_their_common_tasks_and_on_all_of_them(compare):
    rows = compare("ppo", "sac")
    assert [row["task"] for row in rows] == ["half-cheetah-gymnasium@1", "hopper-gymnasium@1", "all, scores"]
    ppo, sac = (seeds("hopper-gymnasium@1", agent) for agent in ("ppo", "sac"))
    assert rows[1]["difference"] == pytest.approx(ppo.mean() - sac.mean())
    assert rows[1]["p"] == pytest.approx(stats.ttest_ind(ppo, sac, equal_var=False).pvalue)
    assert rows[1]["improvement"] == pytest.approx(np.mean(ppo[:, None] > sac))
    assert rows[1]["low"] < rows[1]["difference"] < rows[1]["high"]
    assert rows[1]["seeds_needed"] > 3
    assert rows[2]["p_permutation"] is None


def test_every_pair_of_three_agents_with_adjusted_p_values(compare):
    rows = compare("dqn", "reinforce", "dqn-lecture", "--task", "cart-pole")
    assert [(row["agent"], row["other"]) for row in rows] == [
        ("dqn 1", "reinforce 1"),
        ("dqn 1", "dqn-lecture 1"),
        ("reinforce 1", "dqn-lecture 1"),
    ]
    (alone,) = compare("dqn", "dqn-lecture", "--task", "cart-pole")
    assert rows[1]["p"] > alone["p"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ppo"], "two agents or more"),
        (["ppo", "ppo"], "two agents or more"),
        (["ppo", "nobody"], "unknown agent 'nobody'"),
        (["ppo", "dqn"], "no task in common"),
        (["recurrent-attention", "recurrent-attention-150"], "3 training seeds on glimpse-translated@1"),
        (["ppo", "sac", "--task", "cart-pole"], "no task in common"),
    ],
)
def test_what_cannot_be_compared_is_a_line(compare, words, message):
    code, error = compare(*words)
    assert code == 2
    assert message in error
    assert error.count("\n") == 1
