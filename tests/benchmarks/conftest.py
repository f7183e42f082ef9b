"""How a benchmark is taken: against a peer, in turn, as a ratio; absolute times mean nothing on another machine.

`make perf` measures. In the test suite every benchmark runs for one short round, so that none rots; then no figure is
judged. A benchmark gives its figures to `report`, mostly by `compare`; `report.py` judges them and writes speed.md.
"""

import os
import statistics
import time
from dataclasses import asdict, dataclass

import pytest

FASTER = "times as fast"


@dataclass(frozen=True)
class Figure:
    """One line of docs/speed.md."""

    what: str
    against: str
    value: float
    unit: str = FASTER
    limit: str = ""
    """What keeps the figure from being better, or what else a reader must know about it."""
    least: float | None = None
    """The smallest value that `make perf` accepts."""
    most: float | None = None
    """The largest."""


def seconds(function):
    """Seconds that a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


@pytest.fixture
def measures(pytestconfig):
    """Whether this run measures; otherwise it only shows that the benchmark works."""
    return bool(pytestconfig.getoption("benchmark_enable")) and os.environ.get("BENCHMARK_SIZE") != "short"


@pytest.fixture
def size(measures):
    """A function that returns the first of two sizes where this run measures, and else the second, a small one."""
    return lambda full, short: full if measures else short


@pytest.fixture
def report(benchmark):
    """A function that keeps a `Figure` for docs/speed.md, and prints it."""

    def keep(what, against, value, **more):
        figure = Figure(what, against, float(value), **more)
        benchmark.extra_info.setdefault("figures", []).append(asdict(figure))
        print(f"\n{what}, against {against}: {value:.3g} {figure.unit}")

    return keep


@pytest.fixture
def compare(benchmark, measures, report):
    """A function that runs two callables in turn, reports how many times as fast the first is, and returns that.

    It is the median of the ratios of rounds that follow each other: a machine slow for a while is so for both.
    """

    def run(what, against, ours, peer, *, rounds=7, **figure):
        def contest():
            return [(seconds(ours), seconds(peer)) for _ in range(rounds if measures else 1)]

        ours(), peer()
        rows = benchmark.pedantic(contest, rounds=1)
        ratio = statistics.median(theirs / mine for mine, theirs in rows)
        report(what, against, ratio, **figure)
        return ratio

    return run
