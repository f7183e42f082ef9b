"""What stands below the matrices, and where published scores come from."""

import re

import pytest

from rlbench.harness.ranking.families import WORDS, families, order_of, protocols, sources, whose
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.reference_lines import published_scores, reference_lines
from rlbench.harness.tasks.suite import FAMILIES, SUITES, TASKS
from tests.harness.ranking.results import runs

ROBOTS = [line for task in SUITES["mujoco-v5"] for line in reference_lines(task)]


@pytest.fixture(scope="module")
def shown():
    played = [run for name in FAMILIES for run in runs("a", SUITES[name][0], [1.0, 2.0, 3.0])]
    return {family["name"]: family for family in families(SUITES, compute_rankings(played, TASKS, SUITES))}


def test_every_family_is_shown_robots_and_games_first(shown):
    assert list(shown)[:2] == ["mujoco-v5", "atari"]
    assert set(shown) == set(FAMILIES)
    assert set(WORDS) <= set(FAMILIES)


def test_a_clause_is_told_of_those_that_have_it():
    of_v4 = [line for line in ROBOTS if line.comparable and line.protocol.startswith("Gymnasium's v4")]
    everywhere, *of_sources = protocols(of_v4)
    assert everywhere.startswith("† all: Gymnasium's v4; half-cheetah-gymnasium: v4 and v5 are identical; ")
    assert "; walker2d-gymnasium: the right foot slides more in v4." in everywhere
    assert [line.partition(", from ")[0] for line in of_sources] == [
        *("† CrossQ, PPO, SAC, SimBaV2 (2 updates), XQC", "† FlashSAC", "† PPO (CleanRL)", "† SAC (CleanRL)")
    ]
    assert of_sources[-1].endswith(": the last 100 episodes of training.")
    published = [line for line in of_v4 if line.agent in ("SAC", "FlashSAC")]
    some = [line for line in published if line.agent == "SAC" and line.task.startswith("hopper")]
    assert whose(some, published) == "SAC on hopper-gymnasium"


def test_who_measured_without_sticky_actions_or_under_v4_is_said_where_it_is_shown(shown):
    atari = " ".join((shown["atari"]["lead"], *shown["atari"]["notes"]))
    assert "sticky actions, Machado" in atari
    assert atari.count("without sticky actions") == 2  # random and human
    assert "Gymnasium's v4" in " ".join(shown["mujoco-v5"]["notes"])
    assert "there is no published score" in shown["locomotion"]["lead"]


def test_a_score_that_agrees_with_the_reference_by_chance_is_not_called_the_reference(shown):
    assert "The reference is the time limit, the highest return there is." in shown["control"]["notes"][0]
    assert "The reference on ant-gymnasium, humanoid-gymnasium is PPO (SLM Lab) †." in shown["mujoco-v5"]["notes"][0]
    assert "hopper-gymnasium, walker2d-gymnasium is PPO (CleanRL) †." in shown["mujoco-v5"]["notes"][0]


def test_every_published_score_has_a_source_with_an_address():
    for row in published_scores():
        assert row["protocol"], row
        assert len(row["source"].split("; ")) == len(row["url"].split()), row
        assert all(re.fullmatch(r"https?://[^\s()<>]+", url) for url in row["url"].split()), row
        assert row["task"] in TASKS
    (line, *_) = sources(reference_lines(TASKS["pong@1"]))
    assert line.startswith(
        "MR.Q at 400k, MR.Q at 1M, MR.Q at 2.5M: the task's protocol. Source: [facebookresearch/MRQ@8a44a7d results/"
    )
    assert "](https://github.com/facebookresearch/MRQ/blob/8a44a7d/results/atari_results.txt)" in line


def test_scores_of_one_source_and_protocol_are_told_together():
    lines = sources(reference_lines(TASKS["walker2d-gymnasium@1"]))
    assert [line.partition(":")[0] for line in lines] == [
        "CrossQ at 200k, PPO at 200k, SAC at 200k, SimBaV2 (2 updates) at 200k, XQC at 200k, CrossQ at 1M, PPO at 1M, "
        "SAC at 1M, SimBaV2 (2 updates) at 1M, XQC at 1M",
        "FlashSAC at 200k, FlashSAC at 1M",
        "PPO (Tianshou) at 200k, SAC (Tianshou) at 200k, PPO (Tianshou) at 1M, SAC (Tianshou) at 1M",
        "PPO (CleanRL) at 1M",
        "SAC (CleanRL) at 1M",
    ]


def test_the_two_half_cheetahs_are_told_apart_where_either_appears(shown):
    assert (
        "**Not** the tasks of the same robots with [the lecture's reward](#robots-the-lectures-reward)"
        in (shown["mujoco-v5"]["lead"])
    )
    assert "which have [Gymnasium's reward](#robots-gymnasiums-reward)" in shown["locomotion"]["lead"]
    rankings = compute_rankings(runs("a", SUITES["mujoco-v5"][0], [1.0, 2.0, 3.0]), TASKS, SUITES)
    (alone,) = families(SUITES, rankings)
    assert "with the lecture's reward: their returns" in alone["lead"]  # no link to what is not on the page


def notes_of_order(name, *played):
    return order_of(name, SUITES[name], compute_rankings([run for some in played for run in some], TASKS, SUITES))


def test_by_what_agents_are_sorted_is_said_where_there_are_several():
    robot, go, pole = TASKS["ant@1"], TASKS["go5@1"], TASKS["cart-pole@1"]
    assert notes_of_order("locomotion", runs("a", robot, [1.0])) == []
    (two,) = notes_of_order("locomotion", runs("a", robot, [1.0]), runs("b", robot, [2.0]))
    assert two.startswith("Agents are sorted by the budget that they keep to (up to 200k, 1M,")
    assert notes_of_order("go", runs("a", go, [1.0])) == [
        "The agent that was scored stands first, then the fixed opponents."
    ]
    (games,) = notes_of_order("go", runs("a", go, [1.0]), runs("b", go, [0.0]))
    assert games.startswith("Trained agents first, by the budget")
    assert games.endswith(", then by the share of games won; then the fixed opponents.")
    (untrained,) = notes_of_order("go", runs("a", go, [1.0]), runs("b", go, [0.0], steps=0))
    assert untrained.startswith("Agents first, ")
    (ties,) = notes_of_order("control", runs("a", pole, [1.0]))
    assert ties.endswith(", then by return, at equal ones by steps.")
    apart = [runs("a", pole, [1.0] * 3, steps)[seed] for seed, steps in enumerate((1000, 2000, 4000))]
    (ranges,) = notes_of_order("control", apart)
    assert ranges.endswith(". Steps are of all training, the median of the seeds (least–most).")


def test_how_to_read_the_curves_of_go_stands_beside_them(committed_pages):
    said = [name for name, text in committed_pages.items() if "neither with each other nor with the score" in text]
    assert said == ["go5@1", "go9@1"]
    _, _, curves = committed_pages["go5@1"].partition("## Learning curves\n")
    assert curves.lstrip().startswith(WORDS["go"].curves)
