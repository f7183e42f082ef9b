"""Results in the order in which their work was handed in, whatever order it ends in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rlbench.harness.executors.work import Executor, Work


def in_order(executor: Executor, pieces: Iterable[Work]) -> Iterator[Any]:
    """The result of each piece of work, or the Exception that it raised, in their order.

    Args:
        executor: Does them, as many at once as it can.
        pieces: The work; a piece is asked for when there is room for it.
    """
    waiting = enumerate(pieces)
    results: dict[int, Any] = {}
    wanted = 0
    while True:
        while executor.free and (piece := next(waiting, None)):
            executor.submit(*piece)
        while wanted in results:
            yield results.pop(wanted)
            wanted += 1
        if not executor.busy:
            return
        number, result = executor.next()
        results[number] = result
