"""Writes the reference in docs/commands.md from the commands' own help: `python tests/docs/command_reference.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rlbench.cli import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
MARK = "<!-- written by make commands -->\n"


def help_of(command: str) -> str:
    """What `rlbench COMMAND --help` prints on a terminal of 100 columns."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    arguments = [sys.executable, "-m", "rlbench", command, "--help"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment, encoding="utf-8")
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def reference() -> str:
    """The part of the page after its mark."""
    return "".join(f"\n### rlbench {name}\n\n```text\n{help_of(name)}\n```\n" for name in COMMANDS)


def page() -> str:
    """The page as it should be."""
    return PAGE.read_text(encoding="utf-8").partition(MARK)[0] + MARK + reference()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
