"""Tables drawn for people: in any terminal no word is broken, and numbers stay whole."""

import contextlib
import io
import re
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from rlbench.commands.shared.output import print_table, table_of
from rlbench.commands.shared.tables import shown


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


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (80, "agent interval rank digest about"),
        (60, "agent interval rank digest; left out: about; a wider terminal or --csv shows them"),
        (48, "agent interval rank; left out: digest, about; a wider terminal or --csv shows them"),
    ],
)
def test_columns_without_room_are_named_below_the_table(capsys, monkeypatch, columns, shown):
    monkeypatch.setenv("COLUMNS", str(columns))
    row = {"agent": "actor-critic 1", "interval": "[1.000, 1.000]†", "rank": "1 (1–2)", "digest": "9a92c0ffee12"}
    print_table(table_of([row | {"about": "incomprehensibly"}]), "table", optional=["digest", "about"])
    heading, _, cells, *note = capsys.readouterr().out.splitlines()
    assert "; ".join([" ".join(heading.split()), *filter(None, [" ".join(" ".join(note).split())])]) == shown
    assert [" ".join(cell.split()) for cell in cells.split("   ") if cell.strip()][:3] == list(row.values())[:3]


@pytest.mark.parametrize("columns", range(10, 60, 3))
def test_names_with_versions_and_intervals_are_never_broken(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    row = {"agent": "actor-critic-lecture 1", "95_%_interval": "[1.000, 1.000]", "failed": "13 of 1,000"}
    print_table(table_of([row, row]), "table", "a title")
    printed = capsys.readouterr().out
    assert printed.isprintable() or set(filter(lambda each: not each.isprintable(), printed)) == {"\n"}
    assert [printed.count(cell) for cell in row.values()] == [2, 2, 2]


@pytest.mark.parametrize(
    ("cells", "right"),
    [
        (["9a92c0ffee12"], False),
        (["9a92", "f430"], False),
        (["2026-11-30"], False),
        (["8x8"], False),
        (["[a, b]"], False),
        (["-1,234.50", "—"], True),
        (["1 (1–2)", "12"], True),
        (["488.7 ± 16.1", "5–10", "≤ 400k", "1M"], True),
        (["3 of 1,000", "0"], True),
        (["[-1.00, 2.00]†", "[1, 2]"], True),
        ([1, 2.5, None], True),
    ],
)
def test_only_numbers_are_flush_right(capsys, cells, right):
    print_table(table_of([{"a_long_heading": cell} for cell in cells]), "table")
    lines = capsys.readouterr().out.splitlines()[2:]
    assert all(len(line) - len(line.rstrip()) == 1 if right else line[1] != " " for line in lines), lines


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=24)


CELLS = st.one_of(
    st.none(),
    st.integers(-(10**12), 10**12),
    st.floats(-1e9, 1e9),
    st.booleans(),
    WORDS,
    st.lists(WORDS, max_size=3),
)


TABLES = st.lists(WORDS, min_size=1, max_size=8, unique=True).flatmap(
    lambda names: st.lists(st.fixed_dictionaries(dict.fromkeys(names, CELLS)), min_size=1, max_size=4)
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=TABLES, columns=st.integers(10, 300))
def test_no_word_is_broken_in_any_terminal(rows, columns):
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as printed:
        patch.setenv("COLUMNS", str(columns))
        print_table(table_of(rows), "table", "a title")
    lines = printed.getvalue().splitlines()
    shown_words = Counter(word for line in lines for word in line.split())
    for row in rows:
        for name, value in row.items():
            for word in [*name.replace("_", " ").split(), *shown(value).split()]:
                assert word in shown_words or f"{word}:" in shown_words, (word, lines)
    as_table = any(set(line) == {"─"} for line in lines)
    longest = max(cell_len(word) for word in shown_words)
    assert max(map(cell_len, lines)) <= (columns if as_table else max(columns, longest + 2))


def test_little_room_gives_a_record_per_row(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "20")
    row = {"task": "cart-pole@1", "mean_return": 1234.567, "seed": 1073741824, "episodes": 1000, "fault": None}
    print_table(table_of([row, row]), "table", "Everything")
    record = "task: cart-pole@1\nmean return:\n  1,234.567\nseed: 1073741824\nepisodes: 1,000\nfault: —\n"
    assert capsys.readouterr().out == f"Everything\n{record}\n{record}"


def test_words_of_wide_characters_take_two_columns_each(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "12")
    print_table(table_of([{"why": "⺀⺀ ⺀⺀ ⺀⺀ ab", "because": "incomprehensibly"}]), "table")
    assert capsys.readouterr().out == "why: ⺀⺀\n  ⺀⺀ ⺀⺀\n  ab\nbecause:\n  incomprehensibly\n"


def test_seeds_are_names_and_counts_are_counts(capsys):
    print_table(table_of([{"seed": 1073741824, "episodes": 20000}]), "table")
    assert capsys.readouterr().out.splitlines()[-1].split() == ["1073741824", "20,000"]


def test_control_characters_move_no_cursor(capsys):
    print_table(table_of([{"fault": "two\nlines \x1b[31mred\x07"}]), "table")
    assert r"two\nlines \x1b[31mred\x07" in capsys.readouterr().out
