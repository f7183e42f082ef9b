"""A locale with a decimal comma, in which text becomes other numbers for libraries that read it by the locale."""

import locale
import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def locales(tmp_path_factory):
    """A folder with the German locale."""
    folder = tmp_path_factory.mktemp("locales")
    if not shutil.which("localedef"):
        pytest.skip("localedef is missing")
    command = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")]
    if subprocess.run(command, capture_output=True).returncode not in (0, 1):
        pytest.skip("the system has no source of the German locale")
    return folder


@pytest.fixture
def decimal_comma(locales, monkeypatch):
    """LC_NUMERIC is German."""
    monkeypatch.setenv("LOCPATH", str(locales))
    before = locale.setlocale(locale.LC_NUMERIC)
    locale.setlocale(locale.LC_NUMERIC, "de_DE.UTF-8")
    yield
    locale.setlocale(locale.LC_NUMERIC, before)
