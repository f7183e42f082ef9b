"""Work in this process, one piece after the other."""

from __future__ import annotations

import traceback
from collections.abc import Hashable
from types import TracebackType
from typing import Any

from rlbench.harness.executors.work import Work
from rlbench.harness.kept import Kept


class SerialExecutor:
    """Does a piece of work when its result is asked for; a context."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Hashable, Work]] = []
        self._kept = Kept()

    @property
    def busy(self) -> int:
        """One piece, or none."""
        return len(self._waiting)

    @property
    def free(self) -> int:
        """One piece, where none waits."""
        return 1 - self.busy

    def submit(self, name: Hashable, work: Work) -> None:
        """Keep a piece of work until its result is asked for."""
        self._waiting.append((name, work))

    def next(self) -> tuple[Any, Any]:
        """Do it now: its name, and its result or the Exception that it raised."""
        name, work = self._waiting.pop()
        try:
            return name, work(self._kept)
        except Exception as error:
            _release(error)
            return name, error

    def __enter__(self) -> SerialExecutor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.clear()
        self._kept.close()


def _release(error: BaseException | None) -> None:
    """Let go of what the frames of an error hold, such as open files: whoever is given the error may keep it long."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
