"""What ffmpeg has made of a film: its size, rate and number of frames, read from the file and compared."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from rlbench.children import child_environment
from rlbench.errors import check_taken


def check_encoded(program: str, path: Path, frames: int, size: tuple[int, int], fps: float) -> None:
    """Raise UserError where a film differs from what was recorded; what ffmpeg does not tell is not compared.

    Args:
        program: The path of ffmpeg, which reads the file without decoding it.
        path: Of the film.
        frames: How many it should have.
        size: Their width and height in pixels.
        fps: Frames per second.
    """
    command = [program, "-nostdin", "-hide_banner", "-i", str(path), "-map", "0:v:0", "-c", "copy", "-f", "null", "-"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=child_environment()
    )
    told = done.stderr.decode(errors="replace")
    if found := re.findall(r"frame= *(\d+)", told):
        check_taken("ffmpeg", "number of frames", int(found[-1]), frames)
    stream = re.search(r"Stream #0:0.*? Video: .*", told)
    if stream and (sides := re.search(r", (\d+)x(\d+)", stream[0])):
        check_taken("ffmpeg", "size of a film", (int(sides[1]), int(sides[2])), size)
    if stream and (rate := re.search(r", ([\d.]+) fps", stream[0])):
        check_taken("ffmpeg", "rate of a film", float(rate[1]), fps, max(0.005, 1e-3 * fps))
