"""Whether tests of the tier `strict` can run here, found out by bubblewrap alone."""

import functools
import os
import shutil
import subprocess

import pytest


@functools.cache
def why_not():
    """Why bubblewrap makes no namespaces on this machine; None where it does."""
    if shutil.which("bwrap") is None:
        return "no bubblewrap"
    user = [] if os.geteuid() == 0 else ["--unshare-user"]
    words = ["bwrap", *user, "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8")
    return done.stderr.strip() if done.returncode else None


def skip_without():
    """Skip the test that calls this where there is no bubblewrap, or it makes no namespaces."""
    if why_not():
        pytest.skip(why_not())
