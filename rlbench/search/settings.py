"""The settings of a search, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rlbench.errors import ArgumentError, shortened

ALGORITHMS = ("gumbel", "puct")
MAX_SIMULATIONS = 1_000_000


@dataclass(frozen=True)
class SearchSettings:
    """How a search chooses; an ArgumentError says which setting cannot be."""

    algorithm: str = "gumbel"
    """`gumbel`: sequential halving at the root, improved policies below (Danihelka et al. 2022); `puct`: upper
    confidence bounds everywhere (Silver et al. 2018)."""

    simulations: int = 64
    """Visits of the root's actions for a move; the evaluation of the root itself is not counted."""

    considered: int = 16
    """gumbel: m, how many actions of the root are considered at most."""

    c_visit: float = 50.0
    """gumbel: constant of sigma."""

    c_scale: float = 1.0
    """gumbel: constant of sigma, for action values in [0, 1]."""

    c_base: float = 19_652.0
    """puct: visits after which exploration grows."""

    c_init: float = 1.25
    """puct: exploration at few visits."""

    alpha: float = 0.0
    """puct: parameter of the root's Dirichlet noise; 0 for 10 / number of legal actions."""

    noise: float = 0.25
    """puct: epsilon, the share of the noise in the root's priors."""

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ArgumentError(f"algorithm of a search is {' or '.join(ALGORITHMS)}, got {shortened(self.algorithm)}")
        for name in ("simulations", "considered"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= MAX_SIMULATIONS:
                raise ArgumentError(f"{name} is an integer 1 to {MAX_SIMULATIONS}, got {shortened(value)}")
        for name, low, high in _BOUNDS:
            value = getattr(self, name)
            if type(value) not in (int, float) or not (math.isfinite(value) and low <= value <= high):
                raise ArgumentError(f"{name} is a number {low:g} to {high:g}, got {shortened(value)}")


_BOUNDS = (
    ("c_visit", 0.0, 1e6),
    ("c_scale", 0.0, 1e6),
    ("c_base", 1.0, 1e9),
    ("c_init", 0.0, 1e6),
    ("alpha", 0.0, 1e6),
    ("noise", 0.0, 1.0),
)
