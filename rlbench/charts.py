"""Matplotlib as it comes, in a scope: neither the user's settings nor the surroundings decide how a chart looks."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rlbench.process import system


@contextmanager
def matplotlib_settings(settings: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Matplotlib has its own defaults inside, changed by `settings`; the user's are afterwards as before.

    A back end, which files need none of, is not looked for; messages about caches and fonts are not printed.
    """
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        mpl = import_matplotlib()
        with warnings.catch_warnings(), mpl.rc_context():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            mpl.rcdefaults()
            mpl.rcParams.update(settings or {})
            yield
    finally:
        logger.setLevel(level)


def import_matplotlib() -> Any:
    """Matplotlib; also where `MPLBACKEND` names a back end that is not installed here, as notebooks export it."""
    wanted = os.environ.get("MPLBACKEND")
    if "matplotlib" in sys.modules or not wanted:
        return importlib.import_module("matplotlib")
    with system.environment(MPLBACKEND="agg"):
        mpl: Any = importlib.import_module("matplotlib")
    with contextlib.suppress(ValueError):
        mpl.rcParams["backend"] = wanted  # for others in this process, who may have it
    return mpl


def literal(text: str) -> str:
    """Text as matplotlib shows it letter by letter: no `$` begins a formula."""
    return text.replace("$", r"\$")
