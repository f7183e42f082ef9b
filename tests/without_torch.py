"""A plugin for pytest: where torch is not installed, tests that fail for want of it are skipped.

`python -m pytest -p tests.without_torch`. A test or a module counts as one where torch was looked for before it failed,
in this process, or where what it says of a child process names the extra. It does nothing where torch is installed.
"""

import importlib.util
import subprocess
import sys

import pytest

WORDS = "No module named 'torch'", 'pip install "rlbench[baselines]"'


class Asked:
    """A finder that finds nothing and remembers whether torch has been asked for."""

    def __init__(self):
        self.torch = False

    def find_spec(self, name, path=None, target=None):
        self.torch |= name == "torch" or name.startswith("torch.")


asked = Asked()


def pytest_configure(config):
    if importlib.util.find_spec("torch") is None:
        sys.meta_path.insert(0, asked)
        config.pluginmanager.register(Skipping(), "skips what needs torch")


class Skipping:
    """Makes failures skips."""

    def _changed(self, report, where, seen=()):
        said = "\n".join([str(report.longrepr), *(text for _, text in report.sections), *seen])
        said = said.replace("\\", "")  # bytes and strings within strings are shown with their quotes escaped
        if report.failed and (asked.torch or any(word in said for word in WORDS)):
            report.outcome, report.longrepr = "skipped", (str(where), 0, "Skipped: it needs torch")
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector):
        asked.torch = False
        return self._changed((yield), collector.path)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        asked.torch = False
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        return self._changed((yield), item.path, texts_seen(call.excinfo) if call.excinfo else ())


def texts_seen(excinfo):
    """What the functions between a test and its failure held, in full; a report cuts long texts short."""
    held = [value for entry in excinfo.traceback for value in entry.frame.f_locals.values()]
    return [
        repr(value) for value in held if isinstance(value, str | bytes | tuple | list | subprocess.CompletedProcess)
    ]
