"""A row of `rlbench doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """One row of the table: what was checked, whether it is ok, what was found, what to do."""

    check: str
    status: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""
