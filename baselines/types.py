"""Types that the reference agents share: arrays, checkpoints, and kinds of settings that are checked.

A setting's kind stands in its annotation, `gamma: Discount = 0.99`; `baselines.checks.check_settings` reads it there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import tyro
from numpy.typing import NDArray

from baselines import checks

Array = NDArray[Any]
Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

Tree = dict[str, Any]
"""What a checkpoint holds: nested dicts and lists of numbers, strings, None and NumPy arrays."""

Clock = Callable[[], float]
"""Seconds, as `time.perf_counter`."""

TaskName = Annotated[str, checks.text, tyro.conf.arg(aliases=["-t"])]
"""A task or a Gymnasium id; `-t` on the command line."""
Seed = Annotated[int, checks.seed]
Count = Annotated[int, checks.count]
"""1, 2, ..."""
CountOrZero = Annotated[int, checks.count_or_zero]
Counts = Annotated[tuple[int, ...], checks.counts]
Convolutions = Annotated[tuple[tuple[int, int, int], ...], checks.convolutions]
"""Filters, kernel and stride of each layer."""
Threads = Annotated[int, checks.threads]
Number = Annotated[float, checks.number]
"""Any number, infinite ones too, but no NaN."""
Factors = Annotated[tuple[float, ...], checks.finite_numbers]
OptionalFinite = Annotated[float | None, checks.finite]
Positive = Annotated[float, checks.positive]
NonNegative = Annotated[float, checks.nonnegative]
Probability = Annotated[float, checks.probability]
PositiveProbability = Annotated[float, checks.positive, checks.probability]
Discount = Annotated[float, checks.discount]
"""In (0, 1]."""
