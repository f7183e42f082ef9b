"""The leaderboard page and its numbers, from episode lines that are made up here, and from the committed results."""

import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rlbench.errors import UserError
from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.cells import budget, decimal
from rlbench.harness.ranking.flat import flat
from rlbench.harness.ranking.leaderboard import MISSES, Surroundings, pages
from rlbench.harness.ranking.leaderboard import page as page_of_runs
from rlbench.harness.ranking.markdown import anchor, escape
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.ranking.tables import tables
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import BUDGETS, FAMILIES, FAMILY, SUITES, TASKS
from rlbench.harness.tasks.task import Task

ROOT = Path(__file__).parents[3]

HILL = Task("hill", 1, "test/Hill-v0", episodes=4, num_envs=2, failure_return=-5.0, random=0.0, reference=10.0)
LAKE = Task("lake", 2, "test/Lake-v0", episodes=2, num_envs=2, failure_return=0.0, random=1.0, reference=2.0)
MADE_UP = {task.key: task for task in (HILL, LAKE)}
MADE_UP_SUITES = {"both": (HILL, LAKE), "dry": (HILL,)}


def run(
    agent, seed, returns, task=HILL, version="1", steps=100, complete=True, failed=0, digest=None, dynamics="", **more
):
    """The lines of one run, as `record.load` gives them."""
    return [
        {
            "task": task.key,
            "agent": agent,
            "version": version,
            "digest": digest or f"{agent}-{version}-{seed}".ljust(64, "0"),
            "dynamics": dynamics,
            "training_seed": seed,
            "training_steps": steps,
            "episode": i,
            "return": float(g),
            "status": "crash" if i < failed else "ok",
            "complete": complete,
            "owner": more.get("owner", ""),
            "contents": more.get("contents", ""),
        }
        for i, g in enumerate(returns)
    ]


def frame(*runs):
    columns = list(run("x", 0, [0])[0])
    return pd.DataFrame([line for lines in runs for line in lines], columns=columns)


def ranked(*runs):
    return compute_rankings(collect_runs(frame(*runs)), MADE_UP, MADE_UP_SUITES)


def page(lines, tasks=MADE_UP, suites=MADE_UP_SUITES):
    return page_of_runs(collect_runs(lines), tasks, suites)


def page_of(lines, task):
    """The text of the page of a made-up task."""
    rankings = compute_rankings(collect_runs(lines), MADE_UP, MADE_UP_SUITES)
    return pages(rankings, MADE_UP, MADE_UP_SUITES, Surroundings())[f"results/tasks/{task.key}.md"]


@pytest.fixture(scope="module")
def committed():
    return collect_runs(record.load(ROOT / "results"))


def noisy(agent, mean, seeds=range(5), task=HILL, **kwargs):
    rng = np.random.default_rng(len(agent))
    return [line for s in seeds for line in run(agent, s, rng.normal(mean, 1, task.episodes), task, **kwargs)]


def test_a_task_table_by_hand():
    rows = ranked(
        *(run("flat", seed, returns, steps=5 + seed) for seed, returns in enumerate([[8] * 4, [7, 8, 8, 9], [8] * 4])),
        *(run("good", seed, [9 + seed] * 4, failed=seed) for seed in range(3)),
        run("random", -1, [0, 0, 0, 4], steps=0),
    ).tasks["hill@1"]
    assert [(row.rank, row.agent, row.mean_return, row.score) for row in rows] == [
        (1, "good", 10, 1.0),
        (2, "flat", 8, 0.8),
    ]
    good, flat_ = rows
    margin = 4.303 / math.sqrt(3)  # Student's, of deviation 1
    assert (good.return_low, good.return_high) == pytest.approx((10 - margin, 10 + margin), abs=1e-3)
    assert (good.score_low, good.score_high) == pytest.approx((1 - margin / 10, 1 + margin / 10), abs=1e-4)
    assert (good.rank_low, good.rank_high, good.failed_episodes, good.episodes) == (1, 2, 3, 12)
    assert (good.solved, good.solved_low, good.solved_high) == pytest.approx((2, 0.0943, 0.9916), abs=1e-4)
    assert (flat_.training_seeds, flat_.training_steps, flat_.worst_seed) == (3, 6, 8)
    assert (flat_.return_low, flat_.return_high) == (8, 8)  # the seeds agree


def cells(text):
    """The cells of the first table of a page, by row."""
    table = text[text.index("\n|") + 1 :].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_page_of_a_task_draws_that_table():
    good = [run("good", seed, [10] * 4, steps=100 + 10 * seed) for seed in range(3)]
    text = page_of(frame(*good, run("bad", 0, [1] * 4, failed=2)), HILL)
    assert text.startswith("# `hill@1`\n\n[The leaderboard of all tasks](../../leaderboard.md)")
    assert "`test/Hill-v0`; 4 test episodes per training seed" in text
    assert "A failed episode counts -5.00." in text
    assert "random play reaches 0.00 (1,000 episodes of a random agent); a seed that reaches 10.00 has solved" in text
    head, _, first, second = cells(text)
    assert head == [
        *("rank", "agent", "mean return<br>95 % interval", "seeds", "solved", "each seed", "failed", "steps"),
        *("time a seed", "curve"),
    ]
    many, unknown = "10.00<br>10.00<br>10.00", ("not recorded", "no curve")
    assert first == [
        *(
            "only entry<br>of ours",
            "good",
            "**10.00**<br>[10.00, 10.00]",
            "3",
            "3 of 3",
            many,
            "0",
            "0.11k<br>(0.1k–0.12k)",
            *unknown,
        ),
    ]
    assert second == [
        "—",
        "bad",
        "1.00<br>no interval<br>its episodes:<br>[1.00, 1.00]",
        "1",
        "0 of 1",
        "—",
        "2 of 4",
        "0.1k",
        *unknown,
    ]


def test_where_no_episode_failed_the_page_has_no_column_for_it():
    head, *_ = cells(page_of(frame(run("good", 0, [1] * 4)), HILL))
    assert "failed" not in head
    assert "each seed" not in head  # of one


def test_under_three_seeds_there_is_neither_interval_nor_rank():
    rows = ranked(run("one", 0, [1, 2, 3, 4]), *(run("two", s, [5 + s] * 4) for s in range(2))).tasks["hill@1"]
    assert [(row.agent, row.rank, row.rank_low, row.return_low, row.score_high) for row in rows] == [
        ("two", None, None, None, None),
        ("one", None, None, None, None),
    ]
    two, one = rows
    assert (two.episodes_low, two.episodes_high) == (None, None)  # their spread would say nothing of the seeds
    assert one.episodes_low < 2.5 < one.episodes_high
    both = frame(run("one", 0, [1, 2, 3, 4]), *(run("two", s, [5 + s] * 4) for s in range(2)))
    _, _, first, second = cells(page_of(both, HILL))
    assert first == [
        "two",
        "**5.50**<br>no interval",
        "2",
        "0 of 2",
        "5.00<br>6.00",
        "0.1k",
        "not recorded",
        "no curve",
    ]
    assert second[1].startswith("2.50<br>no interval<br>its episodes:<br>[")


def test_bold_is_the_highest_mean_of_two_or_more_of_a_budget_with_all_that_tie():
    same = [run(name, s, [4] * 4) for name in ("a", "b") for s in range(3)]
    assert page_of(frame(*same), HILL).count("**4.00**") == 2
    assert "**4.00**" not in page_of(frame(*same[:3]), HILL)
    lower = [run("c", s, [3] * 4) for s in range(3)]
    assert page_of(frame(*same, *lower), HILL).count("**4.00**") == 2


def test_a_table_of_ranks_on_the_page_of_a_task_says_who_is_tied():
    noise = [noisy(name, mean) for name, mean in (("aa", 5.0), ("bbb", 5.1), ("cccc", 50))]
    assert [row[0] for row in cells(page_of(frame(*noise), HILL))[2:]] == ["1", "tied 2–3", "tied 2–3"]


def test_an_agent_that_was_not_trained_has_the_interval_of_its_episodes():
    """It is the same in every run: there is no luck of training."""
    (row,) = ranked(run("by-hand", -1, [1, 2, 3, 4], steps=-1)).tasks["hill@1"]
    assert (row.training_seeds, row.rank) == (0, 1)
    assert row.return_low < 2.5 < row.return_high


def test_starts_that_a_task_enumerates_are_no_chance():
    starts = Task(
        "starts", 1, "test/S-v0", episodes=6, num_envs=6, options=({"s": 1}, {"s": 2}), random=0.0, reference=10.0
    )
    lines = frame(run("planner", 0, [-1, -9] * 3, starts, steps=0))
    (row,) = compute_rankings(collect_runs(lines), {starts.key: starts}, {}).tasks[starts.key]
    assert (row.mean_return, row.return_low, row.return_high) == (-5, -5, -5)


def test_no_interval_leaves_the_range_of_possible_returns():
    capped = Task("cap", 1, "test/C-v0", episodes=2, random=0.0, reference=10.0, min_return=0.0, max_return=10.0)
    runs = [run("a", seed, [g, g], capped) for seed, g in enumerate((10, 10, 9, 1))]
    board = compute_rankings(collect_runs(frame(*runs)), {capped.key: capped}, {"all": (capped,)})
    for row in (*board.tasks[capped.key],):
        assert (row.return_high, row.score_high) == (10, 1)
        assert row.return_low >= 0
    assert board.suites["all"][0].score_high == 1


def test_agents_rank_within_their_budget(monkeypatch):
    monkeypatch.setitem(FAMILY, HILL.key, "hills")
    monkeypatch.setitem(BUDGETS, "hills", (100, 1000))
    fast = [run("fast", s, [5 + s] * 4, steps=104) for s in range(3)]  # a batch does not stop on a round number
    slow = [run("slow", s, [50 + s] * 4, steps=1000 * (s + 1)) for s in range(3)]  # 2,000 in the median
    rows = ranked(*fast, *slow, run("quiet", 0, [1] * 4, steps=-1)).tasks["hill@1"]
    assert [(row.agent, row.budget, row.rank, row.rank_high) for row in rows] == [
        ("fast", 100, 1, 1),
        ("slow", None, 1, 1),
        ("quiet", None, None, None),
    ]
    assert [budget(b) for b in (100, 400_000, 1_001_424, None)] == ["0.1k", "400k", "1M", "any"]


def test_every_table_of_the_page_lines_up():
    lines = frame(
        noisy("dqn", 5), noisy("an-agent-with-a-long-name", 1234), run("日本語|", 0, [1, 2], LAKE), run("x", 0, [1])
    )
    text = "\n".join((page(lines), page_of(lines, HILL), page_of(lines, LAKE)))
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert len(blocks) == 5  # two tasks and their proofs, not ranked
    for block in blocks:
        lines = block.replace("日本語", "......").splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len({tuple(m.start() for m in re.finditer(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_the_page_is_a_pure_function_of_the_lines_in_any_order():
    lines = frame(noisy("dqn", 5), noisy("q", 4), run("random", -1, [0, 1, 2, 3]), noisy("dqn", 1.5, task=LAKE))
    shuffled = lines.sample(frac=1, random_state=4)
    assert page(lines) == page(shuffled)
    assert not re.search(r"20\d\d-", page(lines))


def test_a_newcomer_changes_no_other_interval():
    before = ranked(noisy("dqn", 5), noisy("q", 4))
    after = ranked(noisy("dqn", 5), noisy("q", 4), noisy("new", 9))
    intervals = [{row.agent: (row.return_low, row.return_high) for row in s.tasks["hill@1"]} for s in (before, after)]
    assert intervals[0].items() <= intervals[1].items()
    assert [row.agent for row in after.tasks["hill@1"]] == ["new", "dqn", "q"]


def test_ties_share_a_rank_and_are_listed_by_name():
    rows = ranked(*(run(name, s, [g] * 4) for name, g in (("b", 2), ("a", 2), ("c", 1)) for s in range(3)))
    assert [(row.rank, row.agent) for row in rows.tasks["hill@1"]] == [(1, "a"), (1, "b"), (3, "c")]


def test_undecided_agents_get_a_range_of_ranks():
    rows = ranked(noisy("aa", 5.0), noisy("bbb", 5.1), noisy("cccc", 50)).tasks["hill@1"]
    assert [(row.rank_low, row.rank_high) for row in rows] == [(1, 1), (2, 3), (2, 3)]


def test_the_last_bit_of_a_number_does_not_show():
    for value in (0.285, 2.675, 1234.565):
        assert len({decimal(math.nextafter(value, to)) for to in (-math.inf, value, math.inf)}) == 1
    assert [decimal(x) for x in (-0.0, -0.001, -1234.5, None)] == ["0.00", "0.00", "-1,234.50", "—"]


def test_a_suite_ranks_by_the_mean_of_the_normalised_scores():
    """Two tasks that weigh alike, whatever their numbers of seeds."""
    on_hill, on_lake = [2.0, 4.0, 6.0, 9.0], [1.1, 1.2, 2.5]
    both = [run("a", s, [g] * 4) for s, g in enumerate(on_hill)]
    both += [run("a", s, [g] * 2, LAKE) for s, g in enumerate(on_lake)]
    row = ranked(*both, *(run("b", s, [9] * 4) for s in range(3))).suites["both"][0]
    x, y = np.array(on_hill) / 10, np.array(on_lake) - 1
    assert row.score == pytest.approx((x.mean() + y.mean()) / 2)
    assert row.optimality_gap == pytest.approx((np.maximum(1 - x, 0).mean() + np.maximum(1 - y, 0).mean()) / 2)
    assert row.score_low < row.score < row.score_high
    assert (row.rank, row.tasks, row.of_tasks) == (1, 2, 2)


def test_an_agent_without_a_task_of_the_suite_says_which_part_it_has_and_has_no_rank():
    suite = ranked(noisy("all", 5), noisy("all", 1.5, task=LAKE), noisy("half", 9)).suites["both"]
    assert [(row.agent, row.rank, row.tasks) for row in suite] == [("all", 1, 2), ("half", None, 1)]
    assert suite[1].score > 0.8  # of the task that it has


def test_one_run_on_a_task_of_the_suite_leaves_its_interval_out():
    (row,) = ranked(noisy("a", 5), run("a", 0, [1.0, 1.5], LAKE)).suites["both"]
    assert (row.rank, row.score_low) == (None, None)


def test_incomplete_and_foreign_runs_are_listed_and_not_ranked():
    gone = Task("gone", 9, "test/Gone-v0")
    board = ranked(
        run("a", 0, [1] * 4),
        run("a", 1, [9] * 2, complete=False),
        run("b", 0, [9] * 3),
        run("c", 7, [9] * 4, gone),
    )
    assert [(row.agent, row.training_seeds, row.mean_return) for row in board.tasks["hill@1"]] == [("a", 1, 1)]
    assert [(row.agent, row.training_seed, row.reason) for row in board.unranked] == [
        ("c", 7, "no definition of gone@9 is known here: put its file on RLBENCH_PATH, or install its package"),
        ("a", 1, "incomplete: 2 of 4 episodes"),
        ("b", 0, "incomplete: 3 of 4 episodes"),
    ]


def test_runs_without_walls_are_not_ranked():
    lines = [*run("a", 0, [1] * 4), *run("b", 0, [9] * 4)]
    walled = pd.DataFrame([{**line, "walled": line["agent"] == "a"} for line in lines])
    board = compute_rankings(collect_runs(walled), MADE_UP, MADE_UP_SUITES)
    assert [row.agent for row in board.tasks["hill@1"]] == ["a"]
    assert [(row.agent, row.reason.partition(":")[0]) for row in board.unranked] == [
        ("b", "played with --isolation process")
    ]


def test_versions_of_an_agent_are_different_rows():
    rows = ranked(run("a", 0, [1] * 4), run("a", 0, [2] * 4, version="2")).tasks["hill@1"]
    assert [(row.version, row.mean_return) for row in rows] == [("2", 2), ("1", 1)]


def test_of_two_runs_of_one_training_seed_neither_counts_and_the_others_do():
    some = [run("a", 0, [1] * 4, digest="1" * 64), run("a", 0, [2] * 4, digest="2" * 64), run("a", 1, [3] * 4)]
    board = ranked(*some)
    assert [(row.agent, row.seed_means) for row in board.tasks["hill@1"]] == [("a", (3.0,))]
    assert [row.digest[:1] for row in board.unranked] == ["1", "2"]
    for row, other in zip(board.unranked, "21", strict=True):
        assert f"hill@1/a@{other * 12}.jsonl has training seed 0, too, so that neither counts" in row.reason


def test_the_same_contents_under_several_training_seeds_count_once():
    made = [run("a", seed, [seed] * 4, digest=str(seed) * 64, contents="c" * 64) for seed in (3, 1, 2)]
    board = ranked(*made, run("a", 4, [9] * 4, contents="d" * 64))
    assert [row.seed_means for row in board.tasks["hill@1"]] == [(1.0, 9.0)]
    assert [row.training_seed for row in board.unranked] == [2, 3]
    assert all("the same contents as hill@1/a@111111111111.jsonl, which count once" in r.reason for r in board.unranked)


def test_runs_of_several_owners_are_several_agents():
    mine = [run("a", seed, [1] * 4, owner="rlbench") for seed in range(2)]
    theirs = [run("a", seed, [9] * 4, owner="Eve", digest=f"{seed}" * 64) for seed in range(2, 4)]
    rows = ranked(*mine, *theirs, run("b", 0, [5] * 4, owner="Eve")).tasks["hill@1"]
    assert [(row.agent, row.training_seeds, row.mean_return) for row in rows] == [
        ("a of Eve", 2, 9.0),
        ("b", 1, 5.0),
        ("a", 2, 1.0),
    ]


@pytest.mark.parametrize("returns", [[1, 2, np.nan, 4], [1, 2, np.inf, 4]])
def test_a_return_that_is_no_number_is_refused(returns):
    with pytest.raises(UserError, match="no number"):
        ranked(run("a", 0, returns))


def test_an_episode_twice_is_refused():
    with pytest.raises(UserError, match="twice"):
        ranked(run("a", 0, [1] * 4), run("a", 0, [1] * 4))


def test_without_results_the_page_says_how_to_get_some():
    text = page(frame())
    assert "rlbench run quick" in text
    assert "|" not in text
    assert text.endswith("\n")


def test_names_cannot_break_the_table():
    assert escape("a|b`<i>*\n\x1b[31m") == "a\\|b\\`\\<i>\\*��[31m"
    assert escape("value_iteration 1.0") == "value_iteration 1.0"
    assert escape("_a_ __b__ _") == r"\_a\_ \_\_b\_\_ \_"
    assert escape("[x](http://y) &amp; ~~z~~") == r"[x]\(http://y) \&amp; \~\~z\~\~"
    assert escape('Ünï, "quoted"') == 'Ünï, "quoted"'


def test_the_flat_table_holds_every_row_with_whole_ranks():
    board = ranked(noisy("dqn", 5), run("x", 0, [1]))
    table = flat(board)
    scales = ["random", "reference"] * 2
    assert table["table"].tolist() == ["suite", "suite", "task", *scales, "proof", "unranked"]
    assert [len(means.split()) for means in table["seed_means"] if means] == [5]
    assert table["rank"].tolist() == [None, 1, 1, *[None] * 6]
    assert json.loads(json.dumps(table["training_seeds"].tolist())) == [None, None, 5, *[None] * 6]
    assert [t.title for t in tables(board, MADE_UP_SUITES)] == ["Task hill@1", "Not ranked"]


def test_runs_under_different_dynamics_never_share_a_table():
    """The hill is ranked under the dynamics `old`, which are the task's, though more runs have others."""
    runs = [
        run("a", 0, [1] * 4, dynamics="old"),
        *(run(name, 0, [9] * 4, dynamics="new") for name in "bcd"),
        run("e", 0, [9], complete=False, dynamics="old"),
        run("a", 0, [1] * 2, task=LAKE),
    ]
    tasks = {**MADE_UP, HILL.key: dataclasses.replace(HILL, dynamics="old")}
    board = compute_rankings(collect_runs(frame(*runs)), tasks, MADE_UP_SUITES)
    assert [row.agent for row in board.tasks[HILL.key]] == ["a"]
    assert [row.agent for row in board.tasks[LAKE.key]] == ["a"]
    reasons = {row.agent: row.reason for row in board.unranked}
    assert [reasons[name] for name in "bcd"] == ["played under other dynamics: new, not old"] * 3
    assert reasons["e"].startswith("incomplete")


def test_no_reference_is_ranked_and_no_table_holds_random_play_alone(committed):
    board = compute_rankings(committed, TASKS, SUITES)
    rows = [row for of in (board.tasks, board.suites) for some in of.values() for row in some]
    assert not [row for row in rows if row.agent == "random"]
    assert all(board.tasks.values())
    assert {line.kind for lines in board.lines.values() for line in lines} == {"random", "reference", "published"}


def test_a_suite_has_a_table_where_three_agents_have_played_all_of_it():
    both = [noisy(name, mean, task=task) for name in ("a", "b") for task, mean in ((HILL, 5), (LAKE, 1.5))]
    titles = [table.title for table in tables(ranked(*both, noisy("c", 4)), MADE_UP_SUITES)]
    assert titles == ["Task hill@1", "Task lake@2"]
    assert [t.title for t in tables(ranked(*both, noisy("c", 4), noisy("c", 1, task=LAKE)), MADE_UP_SUITES)] == [
        *("Suite both", "Task hill@1", "Task lake@2")
    ]


def test_a_task_whose_reference_is_ours_has_no_score_and_its_suites_have_none(committed):
    board = compute_rankings(committed, TASKS, SUITES)
    (row,) = board.tasks["humanoid@1"]
    assert (row.score, row.solved, row.solved_low) == (None, None, None)
    assert {name: board.suites[name] for name in ("locomotion", "robots", "lecture")} == dict.fromkeys(
        ("locomotion", "robots", "lecture"), ()
    )


def test_the_exact_optimum_has_no_interval_of_width(committed):
    rows = compute_rankings(committed, TASKS, SUITES).tasks["grid-world@1"]
    (row,) = (row for row in rows if row.agent == "value-iteration")
    assert (row.mean_return, row.return_low, row.return_high) == (-2, -2, -2)


def test_a_reference_of_ours_is_marked(committed):
    own = [task for task in TASKS.values() if task.reference_source.startswith("ours")]
    assert [task.name for task in own] == ["half-cheetah", "hopper", "walker2d", "ant", "humanoid"]
    for task in own:
        assert "version" in next(line for line in flat_lines(committed) if line.task == task.key).source


def flat_lines(runs):
    return [line for lines in compute_rankings(runs, TASKS, SUITES).lines.values() for line in lines]


def test_what_ppo_should_reach_on_half_cheetah_stands_in_the_first_matrix_of_the_robots(committed):
    text = page_of_runs(committed, TASKS, SUITES)
    robots = text[text.index("## Robots: Gymnasium") :]
    head, _, *rows = robots[robots.index("\n|") + 1 :].split("\n\n")[0].splitlines()
    agents = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert "[half-cheetah-gymnasium@1](results/tasks/half-cheetah-gymnasium@1.md)" in head
    assert ["PPO\N{NO-BREAK SPACE}†", "1M", "5–10", "3,516", "3,392", "1,620"] in agents


def test_every_link_of_the_pages_leads_somewhere(committed_pages):
    for name, text in committed_pages.items():
        folder = ROOT if name == "leaderboard.md" else ROOT / "results" / "tasks"
        for target in re.findall(r"\]\(([^)]*)\)", text):
            if "://" not in target:
                path, _, fragment = target.partition("#")
                assert not path or (folder / path).exists(), (name, target)
                there = text if not path else (folder / path).read_text(encoding="utf-8") if fragment else ""
                headings = {anchor(line.lstrip("# ")) for line in there.splitlines() if line.startswith("#")}
                assert not fragment or fragment in headings, (name, target)


def test_what_the_page_says_of_failures_and_ceilings_is_what_the_study_measured():
    table = pd.read_csv(ROOT / "results" / "interval_coverage.csv")
    table = table[(table["of"] == "mean") & (table["method"] == "leaderboard")].set_index("scores")["coverage"]
    for name, of in (("failing", "one failed seed in ten"), ("ceiling", "70 % of seeds at the ceiling")):
        a, b, c = (f"{percent:.0f}" for percent in table.loc[of])
        assert MISSES[name] == f"{a}, {b} and {c} %"
    for of in ("normal", "exponential", "lognormal, sigma 0.9"):
        assert (table.loc[of].iloc[1:] >= 90).all()  # from five seeds on


def test_every_task_is_in_one_family():
    assert [task for name in FAMILIES for task in SUITES[name]] == sorted(
        TASKS.values(), key=lambda task: FAMILIES.index(FAMILY[task.key])
    )
    assert BUDGETS.keys() == set(FAMILIES)
