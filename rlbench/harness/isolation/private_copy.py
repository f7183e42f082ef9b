"""A private copy of a submission: what was digested is what runs, whatever happens to the folder meanwhile."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlbench import children
from rlbench.errors import UserError
from rlbench.harness import contents
from rlbench.harness.isolation import linux, privileges
from rlbench.harness.submission import Submission


@contextmanager
def private_copy(entrant: Submission) -> Iterator[Submission]:
    """The submission with a copy of its files, which agents may read and nobody else; a context.

    Raises:
        UserError: The folder has changed since it was digested, or cannot be read; or this is not Linux.
    """
    if entrant.copy is not None:
        yield entrant
        return
    linux.require()
    with children.temporary_folder() as folder:
        copy = folder / "submission"
        contents.copy(entrant.folder, copy)
        if contents.digest(copy) != entrant.digest:
            raise UserError(f"{entrant.folder} changed while it was being evaluated; evaluate it again")
        if privileges.can_become_nobody():
            _let_agents_read(folder)
        yield dataclasses.replace(entrant, copy=copy)


def _let_agents_read(folder: Path) -> None:
    """Give a folder and all that is in it to the group of agents, to read."""
    os.chown(folder, -1, privileges.GROUP)
    os.chmod(folder, 0o750)
    for path in folder.rglob("*"):
        os.chown(path, -1, privileges.GROUP)
        os.chmod(path, 0o750 if path.is_dir() else 0o640)
