"""What a model of stable-baselines3 says of its training, read without unpickling anything."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import NamedTuple

MAX_BYTES = 1 << 24
"""Of the text with a model's attributes; those of the library's own algorithms are kilobytes."""


class SavedTraining(NamedTuple):
    """How a model was trained; 0 for what is not known."""

    steps: int = 0  # of its environments together
    seed: int = 0


def training_of(model: Path) -> SavedTraining:
    """The steps and the seed in `data`, the JSON text of a file that `model.save` wrote.

    Args:
        model: The file. One that cannot be read tells nothing here; `rlbench check` says what is wrong with it.
    """
    try:
        with zipfile.ZipFile(model) as packed, packed.open("data") as file:
            data = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, KeyError, RuntimeError, NotImplementedError, RecursionError, zipfile.BadZipFile):
        return SavedTraining()
    if not isinstance(data, dict):
        return SavedTraining()
    return SavedTraining(*(_counted(data.get(name)) for name in ("num_timesteps", "seed")))


def _counted(value: object) -> int:
    """A whole number that a manifest takes, 0 for anything else."""
    return value if type(value) is int and 0 <= value < 2**63 else 0
