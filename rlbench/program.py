"""A command line program: its standard streams, its signals, and the exit code with which it ends."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rlbench import streams
from rlbench.errors import HarnessError
from rlbench.exit_codes import exit_code
from rlbench.process.system import standard_streams, waitable_children
from rlbench.process.termination import Terminated, ending_in_order, termination


@contextmanager
def own_process() -> Iterator[None]:
    """A command line's own process: inside, it has standard streams and children, and ends in order on SIGTERM."""
    with standard_streams(), waitable_children(), termination():
        yield


def run_program(work: Callable[[], int], *, goes_on: bool = True) -> int:
    """Do the work of a program and return its exit code; an error becomes one line on standard error and a code.

    Args:
        work: returns the exit code where nothing goes wrong.
        goes_on: whether the same work, done again, goes on where it was interrupted.
    """
    again = "; run the same command again to go on" if goes_on else ""
    with own_process(), streams.output_streams():
        try:
            with ending_in_order():
                return _done(work)
        except Terminated as end:
            return _fail(f"terminated{again}", end.status)
        except KeyboardInterrupt as interruption:
            words = str(interruption)  # a codec of Python 3.11 puts its own into an interruption that it meets
            return _fail(words if words.startswith("interrupted") else f"interrupted{again}", 130)
        except Exception as error:
            code, line = exit_code(error)
            if code == 3 and not isinstance(error, HarnessError):
                traceback.print_exc()
            return _fail(line, code)


def _done(work: Callable[[], int]) -> int:
    """Do the work, and hand all of its output over to the system."""
    try:
        code = work()
    except SystemExit as end:
        if end.code:
            raise
        code = 0  # help was shown
    sys.stdout.flush()
    return code


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    return code
