"""What holds for all tests."""

import os
import signal
import sys
from pathlib import Path

import pytest

os.environ.pop("COLUMNS", None)  # pytest-xdist exports its terminal's; tables would be drawn as narrow as that

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True, scope="session")
def checkout_stays_clean():
    """No test leaves a file at the top of the checkout."""
    before = set(os.listdir(ROOT))
    yield
    left = {name for name in set(os.listdir(ROOT)) - before if not name.startswith(".") and name != "__pycache__"}
    assert not left, f"a test wrote into the checkout instead of its own folder: {', '.join(sorted(left))}"


@pytest.fixture(autouse=True)
def windows_are_closed():
    """A window that a test leaves open is nobody's in the next one."""
    yield
    pygame = sys.modules.get("pygame")
    if pygame is not None and pygame.display.get_init():
        pygame.display.quit()


@pytest.fixture(autouse=True)
def signals_are_answered_as_before():
    """No test, and nothing that it has called, leaves its own answer to a signal to the next one."""
    watched = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {each: signal.getsignal(each) for each in watched}
    yield
    assert {each: signal.getsignal(each) for each in watched} == before
