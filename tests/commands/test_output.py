"""Printed tables: what a script reads from standard output is exactly the table."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from rlbench.commands.shared.output import print_table

FRAME = pd.DataFrame(
    {
        "agent": ["dqn [bold]x[/bold]", 'größe, "q"\n'],
        "rank": pd.array([1, None], dtype="Int64"),
        "score": [0.5, np.nan],
        "top": [np.inf, -1234.5],
        "ok": [True, False],
        "tasks": [["a", "b"], []],
    }
)


def test_json_is_standard_and_keeps_types(capsys):
    print_table(FRAME, "json", "never shown")
    printed = capsys.readouterr()
    assert printed.err == ""
    assert json.loads(printed.out, parse_constant=pytest.fail) == [
        {"agent": "dqn [bold]x[/bold]", "rank": 1, "score": 0.5, "top": None, "ok": True, "tasks": ["a", "b"]},
        {"agent": 'größe, "q"\n', "rank": None, "score": None, "top": -1234.5, "ok": False, "tasks": []},
    ]


def test_csv_reads_back_cell_by_cell(capsys):
    print_table(FRAME, "csv", "never shown")
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == list(FRAME.columns)
    assert rows[0] == ["dqn [bold]x[/bold]", "1", "0.5", "inf", "True", "a b"]
    assert rows[1] == ['größe, "q"\n', "", "", "-1234.5", "False", ""]


def test_the_drawn_table_shows_cells_as_they_are_and_never_folds_them_in_a_pipe(capsys):
    wide = pd.DataFrame({"agent": ["dqn [bold]x[/bold]"], "note": ["word " * 60], "score": [None]})
    print_table(wide, "table", "Table of everything")
    title, header, _, row = capsys.readouterr().out.splitlines()
    assert title.split() == ["Table", "of", "everything"]
    assert header.split() == ["agent", "note", "score"]
    assert row.split() == ["dqn", "[bold]x[/bold]", *["word"] * 60, "—"]


def test_numbers_are_flush_right(capsys):
    print_table(pd.DataFrame({"n": [1, 1000], "text": ["a", "bb"]}), "table")
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()[2:]] == ["     1   a", " 1,000   bb"]


def test_an_empty_table_is_still_a_table(capsys):
    empty = FRAME.iloc[:0]
    print_table(empty, "json")
    assert json.loads(capsys.readouterr().out) == []
    print_table(empty, "csv")
    assert capsys.readouterr().out == "agent,rank,score,top,ok,tasks\n"
    print_table(empty, "table")
    assert "agent" in capsys.readouterr().out


@pytest.mark.parametrize("columns", [100, 46, 34])
def test_a_narrow_terminal_leaves_out_columns_and_breaks_no_word(capsys, monkeypatch, columns):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    frame = pd.DataFrame({"agent": ["recurrent-attention"], "why": ["a b " * 5], "about": ["incomprehensibly"]})
    print_table(frame, "table", optional=["about"])
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= columns
    words = {word for line in lines for word in line.split()}
    assert {"agent", "recurrent-attention", "why", "a", "b"} <= words
    assert ("incomprehensibly" in words) == (columns > 40)
