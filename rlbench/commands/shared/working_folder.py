"""The working folder, which somebody may have deleted since the shell went there."""

from __future__ import annotations

from pathlib import Path

from rlbench.errors import UserError


def require_working_folder() -> None:
    """UserError where the working folder has been deleted: importing torch may end the process there (oneMKL)."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UserError("the working folder is gone, and PyTorch cannot compute there; cd to one that exists") from None
