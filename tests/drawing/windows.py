"""What the tests of windows draw, and what is on screen."""

import numpy as np
import pytest

pygame = pytest.importorskip("pygame")


def picture(width=320, height=200):
    y, x = np.indices((height, width))
    return np.stack([x % 256, y % 256, (x + y) % 256], axis=2).astype(np.uint8)


def on_screen():
    return pygame.surfarray.array3d(pygame.display.get_surface()).transpose(1, 0, 2)
