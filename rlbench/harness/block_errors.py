"""Blocks that could not be played: whose fault it was, in words; which of them are not played again."""

from __future__ import annotations

from rlbench.errors import HarnessError, UserError, counted
from rlbench.exit_codes import lacked
from rlbench.harness.isolation.agent import AgentFault
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task


class SpoiltBlockError(Exception):
    """An error raised after the agent had begun to run: the agent may have caused it, so the block is not played again.

    Args:
        error: What was raised.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def failed_at_once(fault: AgentFault, task: Task, entrant: Submission) -> UserError:
    """The error for an agent that fails before anything is recorded."""
    loading = fault.status == "load_error"
    where, kind = ("load", "") if loading else ("the first call of act", f" ({fault.status})")
    return UserError(
        f"{entrant.folder} on {task.key}: {where} failed{kind}, so nothing is recorded; mend it and evaluate it again: "
        f"{fault.message}"
    )


def failure(error: Exception, where: str, attempts: int = 1) -> UserError | HarnessError:
    """The error for a block that could not be played: of the machine, if it lacked something, or of the harness.

    Args:
        error: What was raised.
        where: Task and block, for the message.
        attempts: How often it was tried.
    """
    lacking = lacked(error)
    if lacking is None and not isinstance(error, OSError):
        return HarnessError(f"{where}, {counted(attempts, 'attempt')}: {error!r}")
    missing = isinstance(error, ImportError)
    reason = lacking if missing else getattr(error, "strerror", None) or str(error) or lacking
    name = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
    return UserError(
        f"{where} cannot be played on this machine: {reason}{name}; the blocks before are safe: "
        "free memory, disk, processes or open files, and run again"
    )
