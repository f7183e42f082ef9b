"""What was recorded, read back."""

import re
import subprocess

import numpy as np
from PIL import Image


def read_film(path):
    """Every frame of a film, uint8[T, H, W, 3], and its rate, decoded by ffmpeg."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path), "-fps_mode", "passthrough"]
    done = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)
    stream = re.search(r"Video: .*?, (\d+)x(\d+)[, ].*? ([\d.]+) fps", done.stderr.decode())
    width, height = int(stream[1]), int(stream[2])
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3), float(stream[3])


def read_png(path):
    """A picture, uint8[H, W, 3]."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
