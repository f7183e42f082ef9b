"""The stage: an environment's frame and the panel beside it as one picture, and the way from its pixels to the frame's.

Small frames are magnified by a whole factor, so that people see them and text beside them has room.
"""

from __future__ import annotations

from dataclasses import dataclass

from rlbench.drawing.resize import magnify
from rlbench.drawing.shapes import Image, canvas
from rlbench.interact.panel import Figures, panel

LEAST = 420  # pixels of a picture's height
LARGE = 480  # pixels of a frame's height beyond which it is not magnified


@dataclass(frozen=True)
class Stage:
    """Where a frame of height x width stands in the picture: magnified by `factor`, `top` pixels from above."""

    factor: int
    top: int
    height: int
    width: int

    @classmethod
    def of(cls, frame: Image, panelled: bool = True) -> Stage:
        """The stage for frames of this size; without a panel it is the frame itself."""
        height, width, _ = frame.shape
        if not panelled:
            return cls(1, 0, height, width)
        factor = max(1, min(round(LARGE / height), round(2 * LARGE / width)))
        return cls(factor, max(0, LEAST - height * factor) // 2, height, width)

    def picture(self, frame: Image, figures: Figures | None) -> Image:
        """The frame, and the panel to its right where there are figures; uint8[H, W, 3]."""
        if figures is None:
            return magnify(frame, self.factor)
        height, width = self.height * self.factor, self.width * self.factor
        side = panel(figures, max(height, LEAST))
        image = canvas(width + side.shape[1], max(height, LEAST))
        image[self.top : self.top + height, :width] = magnify(frame, self.factor)
        image[:, width:] = side
        return image

    def to_frame(self, x: float, y: float) -> tuple[float, float] | None:
        """The frame's pixel at a pixel of the picture; None outside of the frame."""
        place = x / self.factor, (y - self.top) / self.factor
        inside = 0 <= place[0] < self.width and 0 <= place[1] < self.height
        return place if inside else None
