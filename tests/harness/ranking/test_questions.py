"""What readers come to the page for, and where it stands: the committed page answers eight questions of theirs.

Also its absurdities of the past: a test each, so that none returns.
"""

import re

import pytest

from rlbench.commands.leaderboard import load
from rlbench.harness.ranking.tables import DASH
from tests.docs.pages import ROOT

ROBOTS = "Robots: Gymnasium's reward"

INTERVAL = r"-?[\d,.]+( |<br>)\[-?[\d,.]+, -?[\d,.]+\]"

ANSWERS = {
    "what should PPO reach on half-cheetah": (ROBOTS, r"\| PPO † +\| +1M \| +5–10 \| +3,516 \|"),
    "what does our own reach there, and how sure is that": (
        ROBOTS,
        r"\| ppo +\| +1M \| +3 \| +4,811 \[953, 8,668\] \|",
    ),
    "which agent is best on Pong within 400,000 steps": (
        "Atari: from pixels",
        rf"dqn-cpu<br>400k<br>\d+ seeds \| +MR.Q †<br>400k<br>(.*\n)+.*\[pong@1\].*\| +{INTERVAL} \| +8\.90 \|",
    ),
    "what does it cost": ("Cost and learning curves", r"\| cart-pole@1 +\| dqn +\| +[\d.]+k \| +[\d.]+ \("),
    "where is the curve": ("Cost and learning curves", r"\]\(results/curves/cart-pole@1\)"),
    "how do I reproduce it": (ROBOTS, r"To train and score ours again: `rlbench run mujoco-v5`"),
    "what is the exact optimum": ("Tabular: grid world", r"exact optimum † \|\n.*\n.* -2\.00 \|"),
    "where is my own agent": ("How to add an agent", r"your agent has a row beside ours in the table of its family"),
}
"""The section that answers each question, and the words there."""


def section(page, heading):
    """The text below a heading."""
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("question", ANSWERS)
def test_the_page_answers(question, committed_page):
    heading, words = ANSWERS[question]
    assert re.search(words, section(committed_page, heading)), section(committed_page, heading)


def test_every_section_is_one_link_away_from_the_top(committed_page):
    top = committed_page.partition("\n## ")[0]
    for heading, _ in ANSWERS.values():
        assert f"[{heading}](" in top or f"[{heading[0].lower()}{heading[1:]}](" in top


def test_what_stands_first_is_no_random_agent(committed_page):
    """It stood first in three of six suites."""
    for table in re.findall(r"(?:^\|.*\n)+", committed_page, flags=re.MULTILINE):
        head, _, first, *_ = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines())
        assert head[0] != "rank" or first[head.index("agent")] != "random"


def test_no_section_is_of_random_play_alone(committed_page):
    """Ten of 25 tables were."""
    for body in re.split(r"^## `", committed_page, flags=re.MULTILINE)[1:]:
        agents = [line.split("|")[2].strip() for line in body.splitlines() if line.startswith("| ")][1:]
        assert any(agent != "random" and not agent.endswith("†") for agent in agents if agent != "reference")


def test_two_seeds_have_no_interval_but_their_two_values(committed_page):
    """It was [-5,816, 21,104] on half-cheetah."""
    rows = [row for of_task in load(ROOT / "results").tasks.values() for row in of_task]
    two = [row for row in rows if row.training_seeds == 2]
    assert {(row.return_low, row.rank) for row in two} <= {(None, None)}
    matrices = committed_page.partition("\n## Cost")[0]
    assert len(re.findall(r" [-\d.,]+ \([-\d.,]+ and [-\d.,]+\), 2 seeds", matrices)) == len(two)


def test_a_reference_of_ours_says_so_beside_the_score_that_it_makes(committed_page):
    """Our own PPO scored 1.000 on five tasks, because it was their reference."""
    lecture = section(committed_page, "Robots: the lecture's reward")
    assert lecture.count("(ours) |") == 5
    assert "The reference is ours: PPO at a million steps" in lecture


def test_tables_of_suites_are_not_dashes(committed_page):
    """22 of 31 rows of suites were."""
    ranks = re.findall(
        r"^\| +(\S+|only entry) \|.*\d of \d", section(committed_page, "Scores over several tasks"), re.MULTILINE
    )
    assert ranks
    assert ranks.count(DASH) < len(ranks)


def test_agents_that_are_alone_in_their_budget_are_not_the_first_of_one(committed_page):
    """SAC and PPO, of other budgets, were both "1 of 1"."""
    assert "1 of 1 |" not in section(committed_page, "`half-cheetah-gymnasium@1`").replace("solved", "")
    assert re.search(r"\| only entry \| ppo +\| +≤ 1M \|", section(committed_page, "`half-cheetah-gymnasium@1`"))


def test_code_is_not_cut_off(committed_page):
    """GitHub shows about 110 characters of a line of code."""
    for block in re.findall(r"^```\n(.*?)^```$", committed_page, flags=re.DOTALL | re.MULTILINE):
        assert max(map(len, block.splitlines())) <= 105


def test_not_recorded_is_said_once(committed_page):
    assert committed_page.count("not recorded") == 1


def test_our_own_mean_is_no_threshold(committed_page):
    """The reference of humanoid is our own run, rounded: "solved 0 of 1" was a fault of rounding."""
    solved = r"^\|.* ppo .* \d of \d "
    assert not re.search(solved, section(committed_page, "`humanoid@1`"), re.MULTILINE)
    assert re.search(solved, section(committed_page, "`hopper-gymnasium@1`"), re.MULTILINE)
