"""What `rlbench doctor` says of the surroundings, and how it prints at any width."""

import locale
import signal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlbench.commands import doctor
from rlbench.commands.doctoring import surroundings
from rlbench.commands.doctoring.check import Check

CHECKS = (
    surroundings.check_home,
    surroundings.check_temporary_folder,
    surroundings.check_locale,
    surroundings.check_terminal,
    surroundings.check_cores,
    surroundings.check_arithmetic,
)


def test_every_finding_that_is_not_well_has_a_remedy_and_fits_a_terminal():
    for check in (*(make() for make in CHECKS), *surroundings.check_limits()):
        assert check.found
        assert bool(check.advice) == (check.status != "ok")


def no_home():
    raise RuntimeError("Could not determine home directory.")


def test_no_home(monkeypatch, tmp_path):
    monkeypatch.setattr(surroundings.Path, "home", no_home)
    assert surroundings.check_home().status == "warn"
    monkeypatch.setattr(surroundings.Path, "home", lambda: tmp_path / "nowhere")
    assert "cannot be written" in surroundings.check_home().found


def test_no_temporary_folder(monkeypatch):
    def nowhere():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(surroundings.tempfile, "gettempdir", nowhere)
    check = surroundings.check_temporary_folder()
    assert (check.status, "TMPDIR" in check.advice) == ("fail", True)


def test_a_full_temporary_folder(monkeypatch):
    monkeypatch.setattr(surroundings.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1 << 20))
    assert surroundings.check_temporary_folder().status == "warn"


def test_a_decimal_comma_and_a_locale_that_is_missing(monkeypatch):
    before = locale.setlocale(locale.LC_NUMERIC)
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    assert surroundings.check_locale() == Check(
        "locale", "warn", "xx_XX.UTF-8 is not installed", "export LC_ALL=C.UTF-8"
    )
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(surroundings.locale, "localeconv", lambda: {"decimal_point": ","})
    assert "decimal ','" in surroundings.check_locale().found
    assert locale.setlocale(locale.LC_NUMERIC) == before


def test_a_terminal_that_is_not_utf_8(monkeypatch):
    monkeypatch.setattr(surroundings.sys, "stdout", SimpleNamespace(encoding="ANSI_X3.4-1968"))
    assert surroundings.check_terminal().status == "warn"
    monkeypatch.setattr(surroundings.sys, "stdout", None)
    assert surroundings.check_terminal().status == "warn"


@pytest.mark.parametrize("value", ["two", "0", "-1", ""])
def test_threads_that_are_no_number(monkeypatch, value):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    check = surroundings.check_cores()
    assert (check.status, "OMP_NUM_THREADS" in check.advice) == ("warn", True)


def test_limits_and_ignored_signals(monkeypatch):
    resource = pytest.importorskip("resource", reason="not on Windows")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (16, 16))
    monkeypatch.setattr(surroundings.signal, "getsignal", lambda number: signal.SIG_IGN)
    assert [check.check for check in surroundings.check_limits()] == ["limits", "signals"]


TEXTS = st.text("ab c/-.,:\n\t", max_size=60)


@given(st.sampled_from(["ok", "warn", "fail"]), TEXTS, TEXTS, st.integers(1, 300))
def test_lines_lose_nothing_and_are_as_wide_as_the_terminal(status, found, advice, width):
    lines = doctor.lines(Check("home", status, found, advice), width)
    said = f"{status}home{found}{':' if advice else ''}{advice}"
    assert "".join("".join(lines).split()) == "".join(said.split())
    longest = max(map(len, " ".join(lines).split()))
    assert max(map(len, lines)) <= max(width, 23 + longest)


def test_a_short_finding_is_one_line_of_80_columns():
    assert doctor.lines(Check("home", "ok", "/home/ada"), 80) == ["ok    home             /home/ada"]
    long = Check("OpenGL", "warn", "robots are drawn as sticks", "install " + "libegl1 " * 12)
    assert [line[:23].strip() for line in doctor.lines(long, 80)] == ["warn  OpenGL", "", ""]
    assert doctor.lines(Check("home", "ok", "/home/ada"), 20) == ["ok    home", "  /home/ada"]


def test_a_broken_package_is_not_a_fault_of_rlbench():
    def broken():
        raise ImportError("libcudart.so.12: cannot open shared object file")

    (check,) = doctor.guarded("torch", broken)
    assert (check.status, "rlbench" in check.advice) == ("fail", False)
    (check,) = doctor.guarded("torch", lambda: 1 / 0)
    assert "fault of rlbench" in check.advice
