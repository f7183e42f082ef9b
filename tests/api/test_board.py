"""`rlbench.leaderboard`: what the command prints and writes, as frames and Markdown."""

import json
import re
import shutil

import pandas as pd
import pytest

import rlbench
from rlbench import cli
from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Some of the committed records, in a folder of their own."""
    folder = tmp_path_factory.mktemp("work") / "results"
    for task, agents in (("cart-pole@1", ("pqn@*", "dqn@*")), ("grid-world@1", ("q-learning@*",))):
        (folder / task).mkdir(parents=True)
        for pattern in agents:
            for path in sorted((ROOT / "results" / task).glob(f"{pattern}.jsonl"))[:4]:
                shutil.copy(path, folder / task)
    return folder


def test_the_frame_is_that_of_the_command(results, capsys):
    assert cli.main(["leaderboard", "--results", str(results), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    frame = rlbench.leaderboard(results).frame
    assert list(frame.columns) == list(printed[0])
    for name in ("table", "agent", "task", "mean_return", "rank"):
        assert [None if pd.isna(cell) else cell for cell in frame[name]] == [row[name] for row in printed]


def test_frames_part_the_kinds_of_rows(results):
    board = rlbench.leaderboard(results)
    assert sum(map(len, board.frames.values())) == len(board.frame)
    task = board.frames["task"]
    assert set(task["agent"]) == {"dqn", "pqn", "q-learning"}
    assert task["mean_return"].notna().all()
    assert "error_percent" not in task


def test_parts_are_chosen_and_keep_their_ranks(results):
    whole, part = rlbench.leaderboard(results), rlbench.leaderboard(results, tasks=["cart-pole"], agents=["pqn"])
    rows = whole.frames["task"]
    expected = rows[(rows["task"] == "cart-pole@1") & (rows["agent"] == "pqn")]
    assert part.frames["task"]["rank"].tolist() == expected["rank"].tolist()
    assert set(rlbench.leaderboard(results, suite="tabular").frames["task"]["task"]) == {"grid-world@1"}
    with pytest.raises(rlbench.UserError, match="a page shows all tasks and agents"):
        part.write("leaderboard.md")


def test_markdown_is_what_a_notebook_shows(results):
    board = rlbench.leaderboard(results)
    assert board._repr_markdown_() == board.markdown
    assert re.search(r"\*\*Task cart-pole@1\*\*\n\n\| +rank \| agent", board.markdown)
    assert "row" in repr(board)


def test_the_page_is_that_of_the_command(results, monkeypatch):
    monkeypatch.chdir(results.parent)
    assert rlbench.leaderboard("results").write().read_text(encoding="utf-8").startswith("#")
    assert cli.main(["leaderboard", "--check", "--quiet"]) == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"results": "no_such_folder"}, "no_such_folder"),
        ({"tasks": ["cart-poll"]}, "unknown task 'cart-poll'"),
        ({"tasks": "cart-pole"}, r"tasks is a list of names: give \['cart-pole'\]"),
        ({"suite": "nothing"}, "unknown suite 'nothing'"),
        ({"agents": ["nobody"]}, "unknown agent 'nobody'"),
    ],
)
def test_a_mistake_is_one_line(given, message, results):
    with pytest.raises(rlbench.UserError, match=message) as raised:
        rlbench.leaderboard(**{"results": results, **given})
    assert "\n" not in str(raised.value)


def test_an_empty_folder_ranks_nothing(tmp_path):
    board = rlbench.leaderboard(tmp_path)
    assert set(board.frames) <= {"random", "reference", "published"}
    assert repr(board).endswith("0 rows on 0 tasks>")
