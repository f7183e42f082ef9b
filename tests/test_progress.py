"""Bars: rate and time left where there is a terminal, silence elsewhere."""

import os
import re
import subprocess
import sys

import pytest

from rlbench.progress import progress, rate


@pytest.mark.parametrize(
    ("count", "seconds", "shown"),
    [
        (0, 3, ""),
        (10, 0, ""),
        (-5, 1, ""),
        (25_000, 2, "12,500 steps/s"),
        (30, 3, "10 steps/s"),
        (1, 3, "0.33 steps/s"),
    ],
)
def test_rates_are_short(count, seconds, shown):
    assert rate(count, seconds, "steps") == shown


def test_no_terminal_no_bar(capfd, monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with progress("work") as show:
        show(0.5, 10, "steps")
    assert capfd.readouterr() == ("", "")


def test_quiet_is_quiet_on_a_terminal(capfd, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("work", quiet=True) as show:
        show(0.5, 10, "steps")
    assert capfd.readouterr() == ("", "")


def test_brackets_in_a_title_are_no_markup(capfd, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("dqn [/bold] [red]") as show:
        show(0.5, 10, "steps", "[/loss] 0.1")
    assert "dqn [/bold] [red]" in capfd.readouterr().err


def test_no_standard_error_no_bar(monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", None)
    with progress("work") as show:
        show(0.5, 10, "steps")


@pytest.mark.skipif(sys.platform != "linux", reason="needs script(1)")
def test_a_real_terminal_shows_rate_and_time_left(tmp_path):
    program = """
import time
from rlbench.progress import progress
with progress("work") as show:
    for i in range(12):
        show(i / 12, 100 * i, "steps", "loss 0.1")
        time.sleep(0.05)
"""
    (tmp_path / "work.py").write_text(program, encoding="utf-8")
    command = f"{sys.executable} {tmp_path / 'work.py'}"
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "130", "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        capture_output=True,
        text=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
    )
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stdout)
    assert re.search(r"work .* \d+ % +\d\d:\d\d left +[\d,]+ steps/s +loss 0.1", shown), shown
