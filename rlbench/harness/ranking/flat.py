"""Rankings as one flat table of unrounded numbers, for machines: CSV and JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rlbench.harness.ranking.costs import CostRow
from rlbench.harness.ranking.games import GamesWon
from rlbench.harness.ranking.proofs import ProofRow
from rlbench.harness.ranking.reference_lines import ReferenceLine
from rlbench.harness.ranking.rows import Rankings, RunRow, SuiteRow, TaskRow, UnrankedRow

if TYPE_CHECKING:
    import pandas


def flat(rankings: Rankings, costs: Sequence[CostRow] = ()) -> pandas.DataFrame:
    """Every row of every table, unrounded, in one table; a column that a row does not have is None."""
    import pandas as pd

    rows: list[tuple[str, Any]] = [
        *(("suite", row) for of_suite in rankings.suites.values() for row in of_suite),
        *(("task", row) for of_task in rankings.tasks.values() for row in of_task),
        *((line.kind, line) for of_task in rankings.lines.values() for line in of_task),
        *(("run", row) for of_task in rankings.runs.values() for row in of_task),
        *(("games", row) for of_task in rankings.games.values() for row in of_task),
        *(("cost", row) for row in costs),
        *(("proof", row) for of_task in rankings.proofs.values() for row in of_task),
        *(("unranked", row) for row in rankings.unranked),
    ]
    kinds = (SuiteRow, TaskRow, ReferenceLine, RunRow, GamesWon, CostRow, ProofRow, UnrankedRow)
    fields = (field.name for kind in kinds for field in dataclasses.fields(kind))
    columns = ["table", *(name for name in dict.fromkeys(fields) if name != "kind")]
    cells = [[kind, *(plain(getattr(row, name, None)) for name in columns[1:])] for kind, row in rows]
    # Objects, because a pandas integer column with a gap would turn ranks into floats.
    return pd.DataFrame(cells, columns=columns, dtype=object)


def plain(value: Any) -> Any:
    """A value as one cell: several numbers parted by blanks."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else value
