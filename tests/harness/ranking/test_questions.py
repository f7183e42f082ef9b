"""What readers come to the pages for, and where it stands: the committed ones answer eight questions of theirs.

Also their absurdities of the past: a test each, so that none returns.
"""

import json
import re

import pytest

from rlbench.api.ranking import load_rankings as load
from rlbench.commands import run
from rlbench.commands.shared import plans
from rlbench.commands.shared.runs import load_runs
from rlbench.harness.ranking.cells import DASH
from rlbench.harness.ranking.families import WORDS
from rlbench.harness.ranking.markdown import PAGE, pixels
from rlbench.harness.results import curves
from rlbench.harness.tasks.suite import FAMILY, SUITES, TASKS
from rlbench.options import parse_options
from tests.docs.pages import ROOT
from tests.harness.ranking.results import all_pages, crowd, runs

ROBOTS = "Robots: Gymnasium's reward"
COST = "Cost, curves, commands"

INTERVAL = r"-?[\d,.]+( |<br>)\[-?[\d,.]+, -?[\d,.]+\]"

ANSWERS = {
    "what should PPO reach on half-cheetah": (ROBOTS, r"\| PPO\s† +\| +1M \| +5–10 \| +3,516 \|"),
    "what does our own reach there, and how sure is that": (
        ROBOTS,
        r"\| ppo +\| +1M \| +3 \| +4,811 \[953, 8,668\] \|",
    ),
    "which half-cheetah is that": (
        ROBOTS,
        r"\*\*Not\*\* the tasks of the same robots with \[the lecture's reward\]\(#",
    ),
    "which agent is best on Pong within 400,000 steps": (
        "Atari: from pixels",
        r"MR.Q\s†<br>400k steps<br>10 seeds \| +dqn-double<br>400k steps(.*\n)+.*\[pong@1.* \*\*8\.90\*\*",
    ),
    "how sure is that": ("Atari: from pixels", rf"\[pong@1\].*8\.90\S+ ± 2\.50 \|.*\| +{INTERVAL} \|"),
    "what does it cost": (COST, r"\| dqn +\| \[cart-pole@1\]\S+ +\| +[\d.]+ s \| \[curve\]"),
    "where is the curve": (COST, r"\[curve\]\(results/tasks/cart-pole@1\.md#learning-curves\)"),
    "how do I reproduce it": (
        COST,
        r"\| `rlbench run mujoco-v5 --agent ppo --task half-cheetah-gymnasium@1`",
    ),
    "how do I install it": (COST, r"pip install -c constraints.txt"),
    "what is the exact optimum": ("Tabular: grid world", r"exact optimum (.*\n)+.* \*\*-2\.00\*\* \|"),
    "where is my own agent": (
        "How to add an agent",
        r"\n3\. \*\*Look at it\*\*, by the third: its row is in the table of its family",
    ),
}
"""The section of the first page that answers each question, and the words there."""

CHEETAH = "half-cheetah-gymnasium@1"

ON_THE_PAGE_OF_ITS_TASK = {
    "what PPO should reach": (CHEETAH, r"\| PPO\s† +\| +3,516 \|"),
    "that there are two half-cheetahs": (CHEETAH, r"confused\*\* with \[half-cheetah@1\]\(half-cheetah@1"),
    "which is best": (
        "pong@1",
        r"## More than 100k, up to 400k training steps\n\n.*\n.*\n\| +— \| MR.Q\s† +\| +\*\*8\.90\*\*<br>± 2\.50 \|",
    ),
    "each seed": (CHEETAH, r"\| ppo .*\| +3 \| +3 of 3 \| +6,558<br>3,590<br>4,284 \|"),
    "the cost": (CHEETAH, r"\| ppo .*\| +98 s \| \[curve\]\(#learning-curves\) \(2 of 3 seeds\) \|"),
    "the curve": (CHEETAH, rf"CSV of ppo: seed \[0\]\(\.\./curves/{CHEETAH}/ppo-s0\.csv\)"),
    "the command": (CHEETAH, rf"\nrlbench run mujoco-v5 --agent ppo --task {CHEETAH} "),
    "the optimum": ("grid-world@1", r"\| exact optimum +\| +\*\*-2\.00\*\* \|"),
    "how ours act": (CHEETAH, r"\*\*Actions\*\* of the reference agents: the mean of the policy"),
}
"""The page of a task, and the words there."""


def section(page, heading):
    """The text below a heading."""
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def lines_as_shown(page):
    """About how many lines GitHub shows of a text, the rows of a table counted as one and a half."""
    shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", page).replace("**", "").replace("`", "")
    return sum(1.5 if line.startswith("|") else pixels(line) // PAGE + 1 for line in shown.splitlines() if line)


@pytest.mark.parametrize("question", ANSWERS)
def test_the_page_answers(question, committed_page):
    heading, words = ANSWERS[question]
    assert re.search(words, section(committed_page, heading)), section(committed_page, heading)


@pytest.mark.parametrize("question", ON_THE_PAGE_OF_ITS_TASK)
def test_the_page_of_its_task_says(question, committed_pages):
    task, words = ON_THE_PAGE_OF_ITS_TASK[question]
    assert re.search(words, committed_pages[task]), committed_pages[task]


def test_every_section_is_one_link_away_from_the_top(committed_page):
    top = committed_page.partition("\n## ")[0]
    for heading, _ in ANSWERS.values():
        anchor = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        assert f"](#{anchor})" in top


def test_every_task_with_results_is_one_link_away_from_its_table(committed_page, committed_pages):
    assert len(committed_pages) > 10
    for task in committed_pages.keys() - {"leaderboard.md"}:
        (family,) = (words.title for name, words in WORDS.items() if task in run.agents_and_tasks(name)[1])
        assert f"[{task}](results/tasks/{task}.md)" in section(committed_page, family)


def test_the_questions_stand_on_the_first_screen(committed_page):
    top = committed_page.partition("\n## ")[0]
    words = ("should an agent reach", "best within a budget", "How sure", "does it cost", "a learning curve")
    for question in (*words, "reproduce", "exact optimum", "my own agent"):
        assert question in top
    assert lines_as_shown(top) < 25


FIRST_SCREEN = (
    r"PPO on \[half-cheetah-gymnasium@1\]\(\S+\), up to 1M steps: 3 seeds here reach 6,558, 3,590 and 4,284, "
    r"mean 4,811 \[953, 8,668\]\. Published: 5,650 \(Tianshou\s†\), "
    r"1,443 \(CleanRL\s†; a seed that reaches it has solved the task\)\. "
    r"half-cheetah@1 has another reward: 7,644 there \(2 seeds\)\.\n",
    r"\[pong@1\]\(\S+\), 400k steps: MR\.Q\s†, 8\.90 ± 2\.50; of those scored here dqn-double, -1\.92\.\n",
    r"How sure is that\?\*\* Safe where two 95 % intervals do not overlap, else open\. "
    r"Open: MR\.Q\s† \[7\.11, 10\.69\] \(from ± 2\.50, 10 seeds\), dqn-double -1\.92 \(1 seed, no interval\)\. "
    r"Open: PPO \[953, 8,668\] against 5,650 \[4,773, 6,527\]\. ",
    r"cost\?\*\* ppo on half-cheetah-gymnasium@1: [\d.]+ s \(\S+\) a seed, about [\d.]+ min for all 3; "
    r"on one CPU thread, without validation; seed 2 was not timed\. "
    r"\[All agents\]\(#cost-curves-commands\)\.\n",
    r"curve\?\*\* \[ppo on half-cheetah-gymnasium@1\]"
    r"\(results/tasks/half-cheetah-gymnasium@1\.md#learning-curves\), 2 of 3 seeds\. ",
    r"reproduce it\?\*\* `pip install -c constraints\.txt \"\.\[all\]\"` in a clone, "
    r"`rlbench run mujoco-v5 --agent ppo --task half-cheetah-gymnasium@1`\. "
    r"\[All commands\]\(#cost-curves-commands\)\.\n",
    r"exact optimum\?\*\* On \[grid-world@1\]\(\S+\): -2\.00\.",
    r"my own agent\?\*\* `rlbench evaluate my_agent --task cart-pole@1`, then `rlbench leaderboard`: "
    r"it has a row; a rank needs 3 training seeds\. ",
)
"""The answers that stand beside the questions themselves."""


@pytest.mark.parametrize("answer", FIRST_SCREEN)
def test_the_first_screen_answers_by_an_example(answer, committed_page):
    assert re.search(answer, committed_page.partition("\n## ")[0]), committed_page.partition("\n## ")[0]


def test_the_examples_are_of_the_results():
    """They follow the returns; without the tasks most asked for, others stand in; without any, nothing does."""
    cheetah, pong, pole = TASKS[CHEETAH], TASKS["pong@1"], TASKS["cart-pole@1"]
    text = all_pages([*runs("ppo", cheetah, [10.0, 20.0, 30.0]), *runs("x", pong, [12.0], 400_000)])["leaderboard.md"]
    assert (
        "half-cheetah-gymnasium@1.md), up to 1M steps: 3 seeds here reach 10, 20 and 30, mean 20 [-5, 45]. "
        "Published: 5,650 (" in text
    )
    assert "another reward" not in text  # nobody has played half-cheetah@1, so that it is not on the page
    assert "400k steps: x, 12.00." in text
    assert (
        "Open: x 12.00 (1 seed, no interval), MR.Q\N{NO-BREAK SPACE}† [7.11, 10.69] (from ± 2.50, 10 seeds). " in text
    )
    assert "Safe: PPO [-5, 45] against 5,650 [4,773, 6,527]. [Int" in text
    text = all_pages(runs("dqn", pole, [300.0, 400.0, 500.0], 50_000))["leaderboard.md"]
    assert "DQN on [cart-pole@1](results/tasks/cart-pole@1.md), up to 500k steps: 3 seeds here reach 300.0, " in text
    assert "400.0 and 500.0, mean 400.0 [151.6, 500.0]. Published: 500.0 (SB3 Zoo" in text
    assert "SB3 Zoo\N{NO-BREAK SPACE}†), 488.7 (CleanRL\N{NO-BREAK SPACE}†)." in text
    assert "[cart-pole@1](results/tasks/cart-pole@1.md), 500k steps: DQN (SB3 Zoo)" in text
    text = all_pages(runs("x", TASKS["half-cheetah@1"], [5.0]))["leaderboard.md"]
    assert "Find it in the table of its family." in text
    assert "best within a budget?** What is bold in the table of its family." in text
    assert "How sure is that?** Safe where two 95 % intervals do not overlap, else open. [Intervals]" in text


def test_the_key_stands_before_the_questions(committed_page):
    key, _, questions = committed_page.partition("\n* **What should an agent reach?**")
    for words in (
        "Lower case: scored",
        "†: published by others;",
        "noted below its table",
        "**Bold**: the highest mean",
        "[a, b]: 95 % interval of the mean",
        "±: published standard deviation",
    ):
        assert words in key
        assert words not in questions


def test_a_time_has_the_same_unit_on_both_pages(committed_page, committed_pages):
    """It was 2,245 seconds on one page and 37 min on the other."""
    cost = section(committed_page, COST)
    rows = re.findall(r"^\| (\S+) +\| \[(\S+)\]\(.*?\) +\| +([\d.]+ \w+) \|", cost, re.MULTILINE)
    assert len(rows) > 10
    for agent, task, time in rows:
        text = committed_pages[task]
        assert re.findall(rf"^rlbench .*--agent {agent} .*# (\S+ \w+).* a seed", text, re.MULTILINE) == [time]
        assert re.search(rf"\| {agent} +\|.*\| +{time} \|", text)


def test_every_command_of_an_entry_trains_what_stands_beside_it(committed_pages):
    """Of all entries but those that no plan trains, and all of these are known to `rlbench train`."""
    board = load(ROOT / "results")
    for task, rows in board.tasks.items():
        lines = re.findall(r"^rlbench (run|train) (.*?) +#", committed_pages[task], re.MULTILINE)
        for row, (verb, words) in zip(rows, lines, strict=True):
            if verb == "train":  # then the next line scores it
                assert words == f"{row.agent} --task {task} --out runs/again"
                assert row.agent == "recurrent-attention-150"
                assert "\nrlbench evaluate runs/again/submission --results runs/again/results " in committed_pages[task]
                continue
            options = parse_options(run.RunOptions, words.split(), prog="rlbench run")
            plan, tasks = run.narrowed(*run.agents_and_tasks(options.plan), options)
            assert tasks == [task]
            trained = [(plans.agent_of(entry), seed) for entry, seed in run.runs(plan, options)]
            last = max(row.seed_numbers, default=0)  # a seed below it that is not scored yet is trained with the others
            assert trained == [(row.agent, seed) for seed in range(last + 1)]


def test_the_plan_of_a_family_has_as_many_training_runs_as_the_page_says(committed_page):
    """The page said six of the glimpses' twelve."""
    lines = re.findall(r"^rlbench run (\S+) +# .*: (\d+) runs, ", section(committed_page, COST), re.MULTILINE)
    assert len(lines) == len(WORDS)
    for name, said in lines:
        plan, _ = run.agents_and_tasks(name)
        assert len([entry for entry, _ in run.runs(plan, run.RunOptions()) if entry.random]) == int(said)


RESETS = {"grid-world@1": 0.3, "cart-pole@1": 0.02}
"""The share of the steps of a record that may be resets, by task: an episode of the grid world takes three steps. Of
other tasks one in a hundred."""


def test_the_curves_end_where_their_records_do():
    """But for the steps in which an environment was only reset: these records counted them, their curves do not."""
    steps = {(run.task, run.agent.name, run.training_seed): run.training_steps for run in load_runs(ROOT / "results")}
    kept = curves.find(ROOT / "results")
    assert len(kept) > 100
    for curve in kept:
        recorded = steps[curve.task, curve.agent, curve.seed]
        assert 0 <= recorded - curve.steps <= RESETS.get(curve.task, 0.01) * recorded, curve


ACTS = {
    "output": {"the mean of the policy, without noise"},
    "argmax": {WORDS["control"].acts},
    "epsilon_greedy": {WORDS["atari"].acts},
    "dict": {WORDS["glimpses"].acts},
}
"""What the page says of how agents act, by what their submissions do with the outputs of their layers."""


def test_what_the_page_says_of_how_ours_act_is_what_their_submissions_do(committed_pages):
    for path in sorted((ROOT / "baselines" / "pretrained").glob("*/*")):
        act = json.loads((path / "graph.json").read_text(encoding="utf-8"))["act"]
        kind, epsilon = act["op"], act.get("epsilon", 0)
        said = re.search(r"\*\*Actions\*\* of the reference agents: (.*)\.\n", committed_pages[path.parent.name])[1]
        assert said in ACTS[kind]
        chance = 1 / 20 if path.name.startswith("dqn-cpu") else 1 / 100
        assert epsilon == (chance if "one in twenty of dqn-cpu's" in said else 0)
        family = section(committed_pages["leaderboard.md"], WORDS[FAMILY[path.parent.name]].title)
        assert ("actions in twenty is random" in family) == (epsilon > 0)


def test_what_stands_first_is_no_random_agent(committed_page):
    """It stood first in three of six suites."""
    for table in re.findall(r"(?:^\|.*\n)+", committed_page, flags=re.MULTILINE):
        head, _, first, *_ = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines())
        assert head[0] != "rank" or first[head.index("agent")] != "random"


def test_no_page_is_of_random_play_alone(committed_pages):
    """Ten of 25 tables were."""
    for name in committed_pages.keys() - {"leaderboard.md"}:
        rows = [line.split("|") for line in committed_pages[name].splitlines() if line.startswith("| ")]
        agents = [row[2 if "rank" in rows[0][1] else 1].strip() for row in rows]
        assert any(agent not in ("random", "agent", "reference") and not agent.endswith("†") for agent in agents)


def test_two_seeds_have_no_interval_but_their_two_values(committed_page):
    """It was [-5,816, 21,104] on half-cheetah."""
    rows = [row for of_task in load(ROOT / "results").tasks.values() for row in of_task]
    two = [row for row in rows if row.training_seeds == 2]
    assert {(row.return_low, row.rank) for row in two} <= {(None, None)}
    matrices = committed_page.partition("\n## Cost")[0]
    assert len(re.findall(r" [-\d.,]+ \([-\d.,]+ and [-\d.,]+\)(?:, 2 seeds)?", matrices)) == len(two)


def test_a_reference_of_ours_makes_no_score(committed_page, committed_pages):
    """Our own PPO scored 1.000 on five tasks, because it was their reference."""
    lecture = section(committed_page, "Robots: the lecture's reward")
    assert "no independent reference" in lecture
    assert "reference |" not in lecture
    for robot in ("half-cheetah", "hopper", "walker2d", "ant", "humanoid"):
        text, _, proof = committed_pages[f"{robot}@1"].partition("\n## Proof\n")
        assert proof
        assert "There is no independent reference" in text
        assert not re.search(r"\d of \d|solved \|", text)


def test_tables_of_suites_are_not_dashes(committed_page):
    """22 of 31 rows of suites were. Today no three agents have played all of a family, so there is no such table."""
    assert "Scores over several tasks" not in committed_page
    page = all_pages(crowd(list(SUITES["mujoco-v5"]), 4))["leaderboard.md"]
    ranks = re.findall(r"^\| +(\S+|tied \S+) \|.*\d of \d", section(page, "Scores over several tasks"), re.MULTILINE)
    assert len(ranks) == 4
    assert DASH not in ranks


def test_agents_that_are_alone_in_their_budget_are_not_the_first_of_one(committed_pages):
    """SAC and PPO, of other budgets, were both "1 of 1"."""
    text = committed_pages["half-cheetah-gymnasium@1"]
    assert re.search(r"\| only entry<br>scored here \| ppo ", text)
    assert not re.search(r"\| +1 \| ppo ", text)


def test_daggers_stay_with_their_names_and_begin_lines_of_lists(committed_pages):
    text = "\n".join(committed_pages.values())
    assert re.search(r"^\* † MR\.Q, from", text, re.MULTILINE)
    assert not re.search(r"\* ?\N{NO-BREAK SPACE}", text)
    assert not re.search(r"\w †(?! *\|)", text)
    computed = committed_pages["grid-world@1"]
    assert "the exact optimum)." in computed
    assert "†" not in computed.partition("**Bold**")[0]


def test_code_is_not_cut_off(committed_pages):
    """GitHub shows about 110 characters of a line of code."""
    text = "\n".join(committed_pages.values())
    for block in re.findall(r"^```\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        assert max(map(len, block.splitlines())) <= 105


def test_what_is_not_recorded_is_said_in_words(committed_page):
    cost = section(committed_page, COST)
    assert "What was not recorded\nis told roughly in [about the agents](docs/agents.md)." in cost
    assert re.search(r"\| sac +\| \[half-cheetah-gymnasium@1\]\S+ +\| +not recorded \| no curve +\|", cost)
    assert not re.search(r"\| +— +\|", cost)


def test_our_own_mean_is_no_threshold(committed_pages):
    """The reference of humanoid is our own run, rounded: "solved 0 of 1" was a fault of rounding."""
    solved = r"^\|.* ppo .* \d of \d "
    runs, _, proof = committed_pages["humanoid@1"].partition("\n## Proof\n")
    assert proof
    assert not re.search(solved, runs, re.MULTILINE)
    assert re.search(solved, committed_pages["hopper-gymnasium@1"], re.MULTILINE)
