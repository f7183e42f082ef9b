"""The tables of how the reference agents were trained: the committed ones, and who is in them."""

from __future__ import annotations

import pytest

from rlbench.commands.shared import plans
from rlbench.harness.ranking.markdown import fits
from rlbench.harness.ranking.tables import TextTable
from tests.docs.pages import tables as tables_of_page
from tests.docs.trained_page import COLUMNS, PAGE, ROOT, page, tables

HEADING = "How each was trained"


@pytest.fixture(scope="module")
def rows():
    """The rows of the committed tables; the task without its link."""
    found = [row for table in tables_of_page("baselines/README.md", HEADING) for row in table]
    return [{**row, "task": row["task"].partition("]")[0].strip("[")} for row in found]


def test_the_committed_tables_are_those_of_results_and_plans():
    """Nothing in them is typed by hand."""
    pytest.importorskip("torch", reason="pip install 'rlbench[baselines]'")  # which presets need
    assert PAGE.read_text(encoding="utf-8") == page(ROOT / "results"), "baselines/README.md is stale: `make trained`"


def test_every_committed_agent_and_every_planned_one_has_a_row(rows):
    folders = (ROOT / "baselines" / "pretrained").glob("*/*-s*")
    committed = {(path.parent.name, path.name.rpartition("-s")[0]) for path in folders}
    planned = {(entry.task, plans.agent_of(entry)) for entry in plans.ALL}
    assert {(row["task"], row["agent"]) for row in rows} == committed | planned
    assert len(rows) == len(committed | planned)


def test_of_a_folder_without_results_nothing_was_run(tmp_path):
    """Each row says so, and by which command it is."""
    lines = [line for line in tables(tmp_path).splitlines() if "`rlbench run " in line]
    assert len(lines) == len({(entry.task, plans.agent_of(entry)) for entry in plans.ALL})
    assert {line.split("|")[3].strip() for line in lines} == {"not run"}


def test_the_tables_fit_the_page(rows):
    plain = tuple(tuple(row[name].partition("](")[0].strip("[`") for name in COLUMNS) for row in rows)
    assert fits(TextTable("", COLUMNS, plain))
