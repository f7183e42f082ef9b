"""SIGTERM and SIGHUP as an exception, so that a program ends in order: its folders and children go with it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Terminated(SystemExit):
    """A signal that ends the program, as an exception, so that temporary folders and child processes go with it."""

    def __init__(self, number: int) -> None:
        self.number, self.status = number, 128 + number
        super().__init__(self.status)


_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_came: list[int] = []  # the signal that has come and that no program has ended by yet


@contextmanager
def termination() -> Iterator[None]:
    """SIGTERM and SIGHUP, where they would kill the process at once, raise Terminated inside; a second one kills.

    A finaliser or a library may swallow Terminated: it is then raised at the end of the scope, also of an inner one.
    When the outermost scope ends by it, the process dies of the signal, as it would have without the scope.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    raise_if_terminated()
    deadly = [each for each in _ENDING if signal.getsignal(each) == signal.SIG_DFL]

    def terminate(number: int, frame: Any) -> None:
        for each in deadly:
            signal.signal(each, signal.SIG_DFL)
        _came.append(number)
        raise Terminated(number)

    unraisable = sys.unraisablehook

    def print_others(swallowed: Any) -> None:
        if not isinstance(swallowed.exc_value, Terminated):
            unraisable(swallowed)

    for each in deadly:
        signal.signal(each, terminate)
    sys.unraisablehook = print_others
    try:
        yield
    finally:
        sys.unraisablehook = unraisable
        for each in deadly:
            signal.signal(each, signal.SIG_DFL)
        if deadly and _came:
            signal.raise_signal(_came.pop())
        raise_if_terminated()


def forget_signals() -> None:
    """In a fork: SIGTERM and SIGHUP kill it again, whatever this process did on them, and none has come yet."""
    _came.clear()
    for each in _ENDING:
        signal.signal(each, signal.SIG_DFL)


def raise_if_terminated() -> None:
    """Raise Terminated where a signal has come inside `termination`, whatever has become of the exception."""
    if _came:
        raise Terminated(_came[0]) from None


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Inside `termination`: Terminated leaves this scope once a signal has come, and the process does not die of it.

    A program that uses this ends by itself.
    """
    try:
        yield
    finally:
        if _came:
            raise Terminated(_came.pop()) from None


@contextmanager
def cleaning_up() -> Iterator[None]:
    """A second SIGTERM or SIGHUP does nothing inside, so that what the first one has ended is cleaned up."""
    in_main = threading.current_thread() is threading.main_thread()
    ignored = [each for each in _ENDING if _came and in_main and signal.getsignal(each) == signal.SIG_DFL]
    for each in ignored:
        signal.signal(each, signal.SIG_IGN)
    try:
        yield
    finally:
        for each in ignored:
            signal.signal(each, signal.SIG_DFL)


_INTERRUPTING = (signal.SIGINT, *_ENDING)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A signal that would raise an exception inside raises it when the scope ends, so that what is begun gets done.

    What kills the process at once, such as a second SIGTERM, still does. A scope of `termination` may end inside: then
    it has said how its signals are answered from there on.
    """
    if threading.current_thread() is not threading.main_thread():  # Python handles signals in the main one alone
        yield
        return
    came: list[int] = []
    handlers: dict[int, Any] = {each: signal.getsignal(each) for each in _INTERRUPTING}
    handlers = {each: handler for each, handler in handlers.items() if callable(handler)}
    inside = True

    def later(number: int, frame: Any) -> None:
        if inside:
            came.append(number)
        else:  # the scope has ended, and another signal has kept it from restoring this one's handler
            handlers[number](number, frame)

    try:
        for each in handlers:
            signal.signal(each, later)
        yield
    finally:
        inside = False
        for each, handler in handlers.items():
            if signal.getsignal(each) is later:
                signal.signal(each, handler)
        if came:
            handlers[came[0]](came[0], None)
