"""The pages of the leaderboard, drawn from episode lines that are made up."""

import math
import re

from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.cells import decimal
from rlbench.harness.ranking.leaderboard import Surroundings, pages
from rlbench.harness.ranking.leaderboard import page as page_of_runs
from rlbench.harness.ranking.markdown import escape
from rlbench.harness.ranking.rankings import compute_rankings
from tests.harness.ranking.episode_lines import HILL, LAKE, MADE_UP, MADE_UP_SUITES, frame, noisy, run


def page(lines, tasks=MADE_UP, suites=MADE_UP_SUITES):
    return page_of_runs(collect_runs(lines), tasks, suites)


def page_of(lines, task):
    """The text of the page of a made-up task."""
    rankings = compute_rankings(collect_runs(lines), MADE_UP, MADE_UP_SUITES)
    return pages(rankings, MADE_UP, MADE_UP_SUITES, Surroundings())[f"results/tasks/{task.key}.md"]


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
            "only entry<br>scored here",
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


def test_under_three_seeds_the_page_shows_no_interval_and_that_of_the_episodes_for_one():
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


def test_the_last_bit_of_a_number_does_not_show():
    for value in (0.285, 2.675, 1234.565):
        assert len({decimal(math.nextafter(value, to)) for to in (-math.inf, value, math.inf)}) == 1
    assert [decimal(x) for x in (-0.0, -0.001, -1234.5, None)] == ["0.00", "0.00", "-1,234.50", "—"]
