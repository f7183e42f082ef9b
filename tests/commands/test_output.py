"""Printed tables: what a script reads from standard output is exactly the table."""

import csv
import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from rlbench.commands.shared.output import print_table, table_of
from rlbench.errors import counted

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


def test_an_empty_table_is_still_a_table(capsys):
    empty = FRAME.iloc[:0]
    print_table(empty, "json")
    assert json.loads(capsys.readouterr().out) == []
    print_table(empty, "csv")
    assert capsys.readouterr().out == "agent,rank,score,top,ok,tasks\n"
    print_table(empty, "table")
    assert "agent" in capsys.readouterr().out


def test_whole_numbers_stay_whole_where_another_row_has_none(capsys):
    rows = [{"record": "a", "blocks": 3}, {"record": "b"}]
    print_table(table_of(rows), "csv")
    assert capsys.readouterr().out == "record,blocks\na,3\nb,\n"
    print_table(table_of(rows), "table")
    assert " 3 " in capsys.readouterr().out


def test_json_loses_nothing_in_a_terminal_without_the_characters(monkeypatch):
    data = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding="ascii"))
    print_table(table_of([{"name": "größe ↑ \udcff"}]), "json")
    sys.stdout.flush()
    assert json.loads(data.getvalue()) == [{"name": "größe ↑ \udcff"}]


@pytest.mark.parametrize(("number", "words"), [(1, "1 task"), (0, "0 tasks"), (1200, "1,200 tasks")])
def test_one_is_not_many(number, words):
    assert counted(number, "task") == words
