"""How every benchmark here is taken: two sides in turn, one ratio; absolute times mean nothing elsewhere."""

import statistics
import time

import pytest


@pytest.fixture
def compare(benchmark):
    """A function that runs two callables in turn and returns how many times faster the first is.

    That is the median of the ratios of rounds that follow each other: a machine slow for a while is so for both.
    """

    def run(name, ours, peer, rounds=15):
        def seconds(function):
            began = time.perf_counter()
            function()
            return time.perf_counter() - began

        ours(), peer()
        rows = [(seconds(ours), seconds(peer)) for _ in range(rounds)]
        mine, theirs = (statistics.median(column) for column in zip(*rows, strict=True))
        ratio = statistics.median(peers / own for own, peers in rows)
        benchmark.pedantic(ours, rounds=3)
        benchmark.extra_info |= {"median": mine, "peer median": theirs, "ratio": ratio}
        print(f"\n{name}: {ratio:.2f}x  ({mine * 1e3:.3g} ms against {theirs * 1e3:.3g} ms)")
        return ratio

    return run
