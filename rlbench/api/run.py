"""A run: the episodes of one agent on one task, as `evaluate` gives them."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rlbench.errors import UserError, counted
from rlbench.harness.ranking.intervals import Interval, clopper_pearson, mean_interval, moments
from rlbench.harness.results import record
from rlbench.harness.results.record import Record


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """The episodes of one agent on one task."""

    path: Path | None
    """The record; None where nothing was recorded."""

    header: Mapping[str, Any]
    """The first line of the record: task, agent, digest, isolation, versions and machine."""

    episodes: pd.DataFrame
    """A row per episode, with the columns of `load_results`."""

    complete: bool
    """Whether every episode of the task was played, so that the run can be ranked."""

    remark: str = ""
    """Why the run cannot be ranked, or what went wrong first; empty where all is well."""

    @classmethod
    def of_record(cls, run: Record, path: Path | None, remark: str = "") -> Run:
        """A record as a run.

        Args:
            run: the record.
            path: of its file.
            remark: what is to be said of it besides what it says itself.
        """
        faults = [line["fault"] for line in run.blocks if line["fault"]]
        return cls(path, run.header, record.table([run]), run.complete, remark or run.lacking or (faults or [""])[0])

    @classmethod
    def read(cls, path: str | Path) -> Run:
        """The run of a record; UserError where there is none, or it is damaged."""
        run = record.read(Path(path))
        if run is None:
            raise UserError(f"no record at {path}; `rlbench evaluate` makes one")
        return cls.of_record(run, Path(path))

    @property
    def task(self) -> str:
        """The key of the task, `cart-pole@1`."""
        return str(self.header["task"])

    @property
    def agent(self) -> str:
        """The name of the agent."""
        return str(self.header["agent"])

    @property
    def mean(self) -> float:
        """The mean return, in which a failed episode counts with the task's failure return; NaN without episodes."""
        return float(self.episodes["return"].mean())

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval `(low, high)` of the mean return, over episodes; None for fewer than three.

        It says how well this agent is known, nothing of others that were trained like it. Where every return is 0 or 1,
        as in classification, it is that of Clopper and Pearson, else Student's, stretched by the skewness.
        """
        returns = self.episodes["return"].to_numpy()
        if len(returns) and set(returns) <= {0.0, 1.0}:
            return clopper_pearson(int(returns.sum()), len(returns))
        estimate = moments(returns)
        return None if estimate is None else mean_interval(estimate)

    @property
    def statuses(self) -> dict[str, int]:
        """How many episodes ended in each status, `{"ok": 98, "timeout_act": 2}`."""
        return dict(Counter(self.episodes["status"]))

    def __repr__(self) -> str:
        """One line: who, on what, how well."""
        return f"<Run: {self._sentence()}>"

    def _repr_html_(self) -> str:
        """The line, and the returns in numbers."""
        row = self.episodes["return"].describe()[["mean", "std", "min", "50%", "max"]].rename({"50%": "median"})
        table = row.to_frame("return").T.to_html(float_format="{:,.2f}".format, border=0)
        return f"<div>{html.escape(self._sentence())}</div>{table}"

    def _sentence(self) -> str:
        number = counted(len(self.episodes), "episode")
        if self.episodes.empty:
            return f"{self.agent} on {self.task}: {number}"
        interval = self.interval
        between = f" (95 % interval {interval.low:,.2f} to {interval.high:,.2f})" if interval else ""
        failed = len(self.episodes) - self.statuses.get("ok", 0)
        parts = [
            f"{self.agent} on {self.task}: mean return {self.mean:,.2f}{between} over {number}",
            f"{failed:,} failed" if failed else "",
            "" if self.complete else "not complete",
            self.remark,
        ]
        return "; ".join(filter(None, parts))
