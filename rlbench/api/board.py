"""`rlbench.leaderboard`: a folder of results, ranked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rlbench.api.evaluating import path_of
from rlbench.api.python_words import speaks_python
from rlbench.api.ranking import asked_for, costs, load_rankings, selected
from rlbench.commands.shared.pages import PAGE, write_pages
from rlbench.errors import UserError, counted
from rlbench.harness.ranking.costs import cost_table
from rlbench.harness.ranking.flat import flat
from rlbench.harness.ranking.markdown import markdown
from rlbench.harness.ranking.rows import Rankings
from rlbench.harness.ranking.tables import tables
from rlbench.harness.tasks.suite import catalogue

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Leaderboard:
    """Rankings of a folder of results; a notebook shows their tables."""

    rankings: Rankings
    results: Path
    """Folder of the records."""

    whole: bool
    """Whether every task and agent is in it."""

    @property
    def frame(self) -> pd.DataFrame:
        """Every row of every table, unrounded, as `rlbench leaderboard --json` has them; `table` says of which."""
        return flat(self.rankings, costs(self.rankings, self.results))

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The rows of each kind of table, with its own columns: `task`, `suite`, `run`, `cost`, `unranked` and more."""
        return {
            str(kind): rows.drop(columns="table").dropna(axis="columns", how="all").reset_index(drop=True)
            for kind, rows in self.frame.groupby("table", sort=False)
        }

    @property
    def markdown(self) -> str:
        """The tables as Markdown, as people read them."""
        spent = costs(self.rankings, self.results)
        shown = [*tables(self.rankings, catalogue().suites), *([cost_table(spent)] if spent else [])]
        parts = [f"**{table.title}**\n\n{markdown(table)}\n\n{table.note}".rstrip() for table in shown]
        return "\n\n".join(parts) or "There is nothing to rank yet.\n"

    def write(self, page: str | os.PathLike[str] = PAGE) -> Path:
        """Write the page of all tasks, and a page per task beside it, as `rlbench leaderboard` does; the page's path.

        Raises:
            UserError: A part of the tasks or agents was chosen, or the page cannot be written.
        """
        if not self.whole:
            raise UserError("a page shows all tasks and agents; choose none of them to write it")
        write_pages(self.rankings, self.results, Path(page))
        return Path(page)

    def __repr__(self) -> str:
        """One line: how many are ranked."""
        rows = counted(sum(map(len, self.rankings.tasks.values())), "row")
        return f"<Leaderboard of {self.results}: {rows} on {counted(len(self.rankings.tasks), 'task')}>"

    def _repr_markdown_(self) -> str:
        return self.markdown


@speaks_python
def leaderboard(
    results: str | os.PathLike[str] = "results",
    *,
    tasks: Sequence[str] = (),
    suite: str | None = None,
    agents: Sequence[str] = (),
    published: bool = False,
) -> Leaderboard:
    """Rank a folder of results, as `rlbench leaderboard` does; nothing is written.

    Args:
        results: Folder of the records.
        tasks: These tasks alone.
        suite: The tasks of this suite alone.
        agents: These agents alone; they keep their ranks.
        published: Whether to count what is published with the records, checks among it, and nothing that `verify` has
            found on this machine: the same for everybody.

    Raises:
        UserError: There is no such folder, task, suite or agent.
    """
    for name, given in (("tasks", tasks), ("agents", agents)):
        if isinstance(given, str):
            raise UserError(f"{name} is a list of names: give [{given!r}]")
    keys = asked_for(tasks, suite)  # first, as a file of tasks that is named there is known from then on
    folder = Path(path_of(results, "folder of results"))
    ranked = load_rankings(folder, published)
    chosen = bool(keys or agents)
    return Leaderboard(selected(ranked, keys, agents) if chosen else ranked, folder, whole=not chosen)
