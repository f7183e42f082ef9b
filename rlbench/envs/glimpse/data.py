"""MNIST, LeCun, Cortes & Burges (1998), as shipped with the package: loaded when first asked for, once, and checked.

`mnist.npz` holds the pixels and labels of the four original IDX files, byte for byte; MD5 below are those of the files
as published, so that anybody can compare. See `MNIST.md` for source and licence.
"""

from __future__ import annotations

import functools
import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rlbench.core.arguments import choice
from rlbench.errors import UserError

FILE = Path(__file__).with_name("mnist.npz")
MD5 = {
    "train_images": "6bbc9ace898e44ae57da46a324031adb",
    "train_labels": "a25bea736e30d166cdddb491f175f624",
    "test_images": "2646ac647ad5339dbf082846283269ea",
    "test_labels": "27ae3e4e09519cfbb04c329615203637",
}
VALIDATION = 5_000
"""The last images of the training set are the validation split: to choose a model by, not to train on."""

SPLITS = {
    "train": ("train", slice(None, -VALIDATION)),
    "validation": ("train", slice(-VALIDATION, None)),
    "test": ("test", slice(None)),
}

Bytes = NDArray[np.uint8]


def mnist(split: str) -> tuple[Bytes, Bytes]:
    """Images uint8[n, 28, 28] and labels uint8[n], read-only, of "train" (55,000), "validation" (5,000) or "test"
    (10,000). UserError for another split, and for a file that is missing or damaged.
    """  # noqa: D205  # the three splits belong to the first sentence
    part, rows = SPLITS[choice("split", split, SPLITS)]
    images, labels = _part(FILE, part)
    return images[rows], labels[rows]


@functools.lru_cache(maxsize=8)
def _part(file: Path, part: str) -> tuple[Bytes, Bytes]:
    images, labels = (_checked(file, f"{part}_{kind}") for kind in ("images", "labels"))
    return images, labels


def _checked(file: Path, name: str) -> Bytes:
    try:
        with file.open("rb") as stream, np.load(stream) as archive:
            array: Bytes = np.ascontiguousarray(archive[name])
    except FileNotFoundError:
        raise UserError(f"{file} is missing; install rlbench again") from None
    except (OSError, ValueError, TypeError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{file} is damaged: {name} cannot be read ({error}); install rlbench again") from None
    found = hashlib.md5(idx_header(array) + array.tobytes(), usedforsecurity=False).hexdigest()
    if found != MD5[name]:
        raise UserError(f"{file} is damaged: {name} has MD5 {found}, not {MD5[name]}; install rlbench again")
    array.setflags(write=False)
    return array


def idx_header(array: Bytes) -> bytes:
    """The first bytes of an IDX file of this array: a magic number, 8 for unsigned bytes, and the big-endian shape."""
    return bytes((0, 0, 8, array.ndim)) + b"".join(side.to_bytes(4, "big") for side in array.shape)
