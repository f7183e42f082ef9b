"""Autotuning: choose the faster of two equivalent loops by their times, while they run.

Whether two threads beat one depends on how many environments there are, on the rules and on who else wants the cores:
measured on two cores with 16,384 cart-poles, the parallel loop takes 0.55 of the serial one's time when the machine is
quiet and 5 times as long when another process holds a core. No constant is right, but both loops give the same bits, so
one may try.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from statistics import fmean
from typing import Any

TRIAL = 8  # calls by which a loop is timed
FIRST_WAIT, LONGEST_WAIT = 16, 8_192  # calls between trials; a lost trial doubles the wait


class Autotuner:
    """A callable that passes each call to the faster of two equivalent loops, and tries the other at times."""

    def __init__(self, first: Callable[..., int], second: Callable[..., int]) -> None:
        self._loops = (first, second)
        self._current, self._wait, self._calls = 0, FIRST_WAIT, 0
        self._current_times: deque[float] = deque(maxlen=TRIAL)
        self._trial_times: list[float] = []

    def __call__(self, *args: Any) -> int:
        """Call a loop and take its time."""
        on_trial = self._calls >= self._wait
        loop = self._loops[self._current ^ on_trial]
        began = time.perf_counter()
        result = loop(*args)
        took = time.perf_counter() - began
        self._calls += 1
        (self._trial_times if on_trial else self._current_times).append(took)
        if len(self._trial_times) > TRIAL:
            self._decide()
        return result

    def _decide(self) -> None:
        """Compare the means; the trial's first call is left out, since it compiles the loop or wakes its threads."""
        if fmean(self._trial_times[1:]) < fmean(self._current_times):
            self._current, self._wait = 1 - self._current, FIRST_WAIT
        else:
            self._wait = min(2 * self._wait, LONGEST_WAIT)
        self._calls = 0
        self._current_times.clear()
        self._trial_times.clear()
