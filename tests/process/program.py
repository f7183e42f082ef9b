"""Programs of Python, each in a process of its own."""

import subprocess
import sys


def run(text, **options):
    """The ended process of a program; its output and errors are text."""
    command = [sys.executable, "-c", text]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options, encoding="utf-8")
