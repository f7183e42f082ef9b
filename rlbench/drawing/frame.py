"""Frames that a notebook shows as pictures; everywhere else they are arrays as any."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from rlbench.drawing.shapes import Image


class Frame(np.ndarray[Any, np.dtype[np.uint8]]):
    """A frame, uint8[H, W, 3], that IPython shows as a picture.

    Rejected: a formatter that IPython has for all arrays, which would draw the user's own arrays too.
    """

    def _repr_png_(self) -> bytes | None:
        """The picture as PNG; None for what was cut from a frame and is no picture any more."""
        if self.ndim != 3 or self.shape[2] != 3 or not self.size or self.dtype != np.uint8:
            return None
        from PIL import Image as Pillow  # only where a picture is shown

        file = io.BytesIO()
        Pillow.fromarray(np.ascontiguousarray(self)).save(file, "PNG")
        return file.getvalue()

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """What is computed from a frame is no frame, but an array or a number as of any array."""
        plain = np.asarray(array)
        return plain[()] if plain.ndim == 0 else plain

    def __reduce__(self) -> Any:
        """It is pickled as the plain array that it is."""
        return np.asarray(self).__reduce__()


def shown_inline(image: Image) -> Frame:
    """The same array, not copied, as a frame that a notebook shows."""
    return image.view(Frame)
