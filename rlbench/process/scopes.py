"""Scopes in which something is changed: of several threads at once, and around the events of a generator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

Event = TypeVar("Event")


class SharedScope:
    """A scope that several threads may be in at once: the first to enter makes a change, the last to leave undoes it.

    Args:
        change: Makes the change and returns the function that undoes it.
    """

    def __init__(self, change: Callable[[], Callable[[], Any]]) -> None:
        self._change, self._lock, self._inside = change, threading.Lock(), 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Be inside."""
        with self._lock:
            if not self._inside:
                self._undo = self._change()
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._undo()


def within(scope: Callable[[], AbstractContextManager[Any]], events: Iterator[Event]) -> Generator[Event, None, None]:
    """The same events, with the scope entered only while one is computed, never while the caller has control.

    Args:
        scope: Makes the context manager, anew for each event.
        events: An iterator; a generator is closed with this one.
    """
    end: Any = object()
    try:
        while True:
            with scope():
                event = next(events, end)
            if event is end:
                return
            yield event
    finally:
        if isinstance(events, Generator):
            with scope():
                events.close()
