"""Work: what an executor does, and how its results come back."""

from __future__ import annotations

from collections.abc import Hashable
from types import TracebackType
from typing import Any, Protocol

from rlbench.harness.kept import Kept


class Work(Protocol):
    """A piece of work, which depends on nothing else that is done, and can be pickled. As text, it says what it is."""

    def __call__(self, kept: Kept) -> Any:
        """Do it, with what the process has kept."""


class PortableWork(Work, Protocol):
    """Work that can be done on a machine that does not have the files it needs."""

    @property
    def digest(self) -> str:
        """Of the files."""

    @property
    def may_be_repeated(self) -> bool:
        """Whether it may be done again where the process that did it has died."""

    def files(self) -> Any:
        """The files, which can be pickled."""

    def elsewhere(self, files: Any) -> Work:
        """The same work, with the files that it was sent with."""


class Executor(Protocol):
    """Does pieces of work; a context, at whose end everything that it has started has ended."""

    @property
    def free(self) -> int:
        """How many more pieces can be handed in now."""

    @property
    def busy(self) -> int:
        """How many have been handed in and have not come back."""

    def submit(self, name: Hashable, work: Work) -> None:
        """Hand in a piece of work, where there is room; `name` comes back with its result."""

    def next(self) -> tuple[Any, Any]:
        """The name of a piece that has ended, and its result, or the Exception that it raised; waits for one."""

    def __enter__(self) -> Executor: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
