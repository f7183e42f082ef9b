"""The arguments of `make`, checked: every mistake gives one line with the value and the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.envs.glimpse.data import mnist
from rlbench.errors import UserError

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


def checked(
    split: str,
    images: Any,
    labels: Any,
    classes: int,
    size: int | None,
    clutter: int,
    clutter_size: int,
    glimpses: int,
    patch: int,
    scales: int,
) -> tuple[Any, ...]:
    """The fields of the rules' Params."""
    pictures, truth = _arrays(split, images, labels, classes)
    count, rows, cols = pictures.shape
    height, width = (rows, cols) if size is None else (size, size)
    return pictures, truth, classes, height, width, clutter, clutter_size, glimpses, patch, scales


def _arrays(split: str, images: Any, labels: Any, classes: int) -> Arrays:
    if images is None and labels is None:
        images, labels = mnist(split)
    return images, labels.astype(np.int64)
