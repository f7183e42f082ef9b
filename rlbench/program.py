"""A command line program: its standard streams, its signals, and the exit code with which it ends."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from rlbench import process, streams
from rlbench.errors import HarnessError
from rlbench.exit_codes import exit_code


def run_program(work: Callable[[], int]) -> int:
    """Do the work of a program and return its exit code; an error becomes one line on standard error and a code.

    Args:
        work: returns the exit code where nothing goes wrong.
    """
    with process.program(), streams.output_streams():
        try:
            with process.ending_in_order():
                return _done(work)
        except process.Terminated as end:
            return _fail("terminated; run the same command again to go on", end.status)
        except KeyboardInterrupt as interruption:
            return _fail(str(interruption) or "interrupted; run the same command again to go on", 130)
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
