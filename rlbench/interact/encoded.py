"""Films as files: what ffmpeg has made of one, read from the file and compared, and one as the bytes of a page."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from rlbench.children import child_environment
from rlbench.errors import UserError, check_taken, one_line


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


PAGE_FILM = ("-movflags", "+faststart", "-f", "mp4")
"""A browser knows the length of such a film and can seek in it; not of one in fragments, as recorders write."""


def page_film(program: str, path: Path, seconds: float, max_bytes: int) -> bytes:
    """An MP4 that a page can hold: as it is, or at so low a rate that it takes no more than so many bytes.

    Args:
        program: The path of ffmpeg.
        path: Of the film, an MP4.
        seconds: How long it lasts.
        max_bytes: How large it may be.

    Raises:
        UserError: ffmpeg failed, or the film cannot be made so small.
    """
    made = _encoded(program, path, ("-c", "copy"))
    if len(made) > max_bytes:
        kilobits = max(1, int(0.8 * 8 * max_bytes / 1000 / max(seconds, 1)))
        rates = ("-b:v", f"{kilobits}k", "-maxrate", f"{kilobits}k", "-bufsize", f"{2 * kilobits}k")
        made = _encoded(program, path, ("-c:v", "libx264", "-preset", "veryfast", "-threads", "2", *rates))
    if len(made) > max_bytes:
        raise UserError(f"the film takes {len(made):,} bytes, and a page holds {max_bytes:,}; show fewer frames")
    return made


def _encoded(program: str, path: Path, how: tuple[str, ...]) -> bytes:
    """The film as a file for pages, by these options of ffmpeg."""
    target = path.with_suffix(".page.mp4")
    command = [program, "-nostdin", "-y", "-loglevel", "error", "-i", str(path), *how, *PAGE_FILM, str(target)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=child_environment()
    )
    if done.returncode:
        raise UserError(f"ffmpeg cannot make a film for a page: {one_line(done.stderr.decode(errors='replace'))}")
    return target.read_bytes()
