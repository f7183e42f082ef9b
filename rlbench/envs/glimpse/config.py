"""Checks of the arguments of `make`, which raise errors of one line: what was wrong, and what would be right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.core.arguments import array, integer
from rlbench.envs.glimpse.data import mnist
from rlbench.errors import ArgumentError

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]

MAX_SCALES = 8  # sums over 4^7 pixels of brightness 255 are below 2^24, hence exact in float32


def image_set(split: str, images: Any, labels: Any, classes: int) -> Arrays:
    """Images uint8[n, h, w], read-only, and labels int64[n]: a split of MNIST, or those given.

    Args:
        split: "train", "validation" or "test" of MNIST, where no images are given.
        images: uint8[n, h, w]; None for MNIST's.
        labels: Integers [n]; None for MNIST's.
        classes: Labels are 0 to classes - 1.

    Raises:
        ArgumentError: Images or labels have another shape or dtype, or are given without the other.
    """
    if images is None and labels is None:
        images, labels = mnist(split)
    elif images is None or labels is None:
        given, missing = ("labels", "images") if images is None else ("images", "labels")
        raise ArgumentError(f"{given} without {missing}; give both, or neither for MNIST")
    elif split != "train":
        raise ArgumentError(f"split={split!r} is a part of MNIST; leave it out where images and labels are given")
    images, labels = array("images", images), array("labels", labels)
    if images.dtype != np.uint8 or images.ndim != 3 or 0 in images.shape:
        found = f"{images.dtype} of shape {images.shape}"
        remedies = {
            "f": "; (255 * images).astype('uint8') if they are in [0, 1]",
            "i": "; images.astype('uint8') if they are 0 to 255",
        }
        remedy = remedies.get(images.dtype.kind, "")
        raise ArgumentError(f"images are grey, uint8 of shape (n, height, width), none of them 0, got {found}{remedy}")
    if labels.dtype.kind not in "iu" or labels.shape != (len(images),):
        raise ArgumentError(
            f"labels are integers of shape ({len(images)},), one per image, got {labels.dtype} of shape {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ArgumentError(f"labels are 0 to {classes - 1}, got {labels.min()} to {labels.max()}; give classes=")
    images = np.ascontiguousarray(images).view()
    images.setflags(write=False)
    return images, labels.astype(np.int64)


def canvas(size: int | None, images: NDArray[np.uint8]) -> tuple[int, int]:
    """Height and width of the canvas: the images' own, or a square of the given side that holds them."""
    if size is None:
        return images.shape[1], images.shape[2]
    side = integer("size", size, max(images.shape[1:]), why="the larger side of the images")
    return side, side


def pieces(clutter: int, clutter_size: int, images: NDArray[np.uint8]) -> tuple[int, int]:
    """Number and side of the pieces of clutter."""
    number = integer("clutter", clutter, 0)
    if not number:
        return 0, integer("clutter_size", clutter_size, 1)
    if len(images) < 2:
        raise ArgumentError(
            f"clutter={clutter} is cut from other images, and there is only one; give more, or clutter=0"
        )
    return number, integer("clutter_size", clutter_size, 1, min(images.shape[1:]), "the smaller side of the images")


def squares(patch: int, scales: int, height: int, width: int) -> tuple[int, int]:
    """The side g of a patch and the number k of scales, checked against the canvas, height x width pixels.

    The widest square may have twice the side of the canvas, to show all of it from any location.
    """
    g = integer("patch", patch, 1, min(height, width), "the smaller side of the canvas")
    k = integer("scales", scales, 1, MAX_SCALES)
    if k > 1 and g % 2:
        raise ArgumentError(f"patch={g} is odd; squares of several scales share their middle only if it is even")
    if g << (k - 1) > 2 * max(height, width):
        raise ArgumentError(
            f"patch={g} with scales={k} looks at squares up to {g << (k - 1)} pixels wide, "
            f"more than twice the canvas of {height} x {width}; take fewer scales"
        )
    return g, k
