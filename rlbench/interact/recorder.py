"""Recorders: frames into a film or a filmstrip, one at a time, so that memory does not grow with their number.

    with recorder("episode.mp4", fps=50) as record:
        record.add(frame)       # uint8[H, W, 3]
        record.end_episode()    # filmstrips are one PNG per episode

Films are written by ffmpeg, which comes with the package imageio-ffmpeg and gets raw frames on its standard input. A
film is complete however this program ends, and has its name only then; if it is killed, `<name>.part` is left.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol, cast

import numpy as np

from rlbench import whole_files
from rlbench.children import child_environment
from rlbench.drawing.shapes import PAPER, Image
from rlbench.errors import UserError
from rlbench.interact.encoded import check_encoded
from rlbench.interact.filmstrip import Filmstrip
from rlbench.interact.game_file import GAME_FILES, GameFile

FILMS = (".mp4", ".gif")
FORMATS = (*FILMS, ".png", *GAME_FILES)
STRIP = 5  # frames of a filmstrip by default


class Recorder(Protocol):
    """Takes frames."""

    written: list[Path]
    """The files that there are so far."""
    frames: int
    """How many were taken."""

    def add(self, frame: Image, caption: str = "") -> None:
        """Take one frame, uint8[H, W, 3]; what a caption says is written under it where there is room for one.

        Args:
            frame: the frame.
            caption: a line for below it.
        """

    def skip(self, last: bool) -> bool:
        """Skip the next frame if it need not be drawn, and return whether it was; `last` ends the episode."""

    def end_episode(self) -> None:
        """The frames so far were an episode."""

    def close(self) -> None:
        """Write what is not written yet; a second call does nothing."""


@contextlib.contextmanager
def recorder(path: str | Path, fps: float, strip: int | None = None) -> Iterator[Recorder]:
    """Record within the context; at its end everything is written. The file's extension decides what is recorded.

    Args:
        path: .mp4 or .gif for a film, .png for filmstrips, .sgf for games of Go.
        fps: frames per second of a film.
        strip: frames of a filmstrip, STRIP by default.

    Raises:
        UserError: another extension, or a path that cannot be written.
    """
    path = Path(path)
    check(path)
    suffix = path.suffix.lower()
    made: Recorder
    if suffix in GAME_FILES:
        made = GameFile(path)
    else:
        made = Filmstrip(path, STRIP if strip is None else strip) if suffix == ".png" else Film(path, fps)
    with contextlib.closing(made):
        yield made


def check(path: Path) -> None:
    """Raise UserError for an unknown extension, a file that cannot be written, and a film without ffmpeg."""
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"cannot record {str(path)!r}: the supported formats are {', '.join(FORMATS)}")
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder; give a file in it")
    try:
        whole_files.check_writable(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; give another file") from None
    if path.suffix.lower() in FILMS:
        ffmpeg()


def gif_rate(fps: float) -> float:
    """The nearest rate that a GIF can hold: whole hundredths of a second per frame, two at the least.

    Browsers slow down what is quicker.
    """
    return 100 / max(2, round(100 / fps))


class Film:
    """An MP4 (H.264) or a GIF with every frame that was added; all of them have the size of the first.

    Args:
        path: an .mp4 or a .gif.
        fps: frames per second.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.path = path
        self.fps = gif_rate(fps) if path.suffix.lower() == ".gif" else fps
        self.written: list[Path] = []
        self.frames = 0
        self._program = ffmpeg()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed in close()
        self._process: subprocess.Popen[bytes] | None = None
        self._shape: tuple[int, ...] = ()
        self._closed = False

    def add(self, frame: Image, caption: str = "") -> None:
        """Hand one frame to ffmpeg; a UserError with its last line of output where it has ended."""
        if self._process is None:
            self._shape = frame.shape
            self._process = self._start()
        if frame.shape != self._shape:
            raise ValueError(f"a film keeps its size: it began with {self._shape}, this frame is {frame.shape}")
        try:
            cast("IO[bytes]", self._process.stdin).write(np.ascontiguousarray(frame).data.cast("B"))
        except (BrokenPipeError, ValueError):  # a ValueError once it is closed
            self._fail(self._process)
        self.frames += 1

    def skip(self, last: bool) -> bool:
        """A film shows every frame."""
        return False

    def end_episode(self) -> None:
        """A film continues with the next episode."""

    def close(self) -> None:
        """Finish the file; a UserError where it could not be written."""
        if self._closed:
            return
        self._closed = True
        if self._process is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended, as its return code says
                cast("IO[bytes]", self._process.stdin).close()
            if self._process.wait():
                self._fail(self._process)
            target, scratch = whole_files.places(self.path)
            if scratch != target:
                self._check(scratch)
            whole_files.take_place(scratch, target)
            self.written.append(self.path)
        self._errors.close()

    def _check(self, scratch: Path) -> None:
        """Compare the file with what was recorded; a UserError, and no file, where it differs."""
        height, width, _ = self._shape
        padded = (width + width % 2, height + height % 2) if self.path.suffix.lower() == ".mp4" else (width, height)
        try:
            check_encoded(self._program, scratch, self.frames, padded, self.fps)
        except UserError:
            self._errors.close()
            whole_files.discard(self.path)
            raise

    def _start(self) -> subprocess.Popen[bytes]:
        height, width, _ = self._shape
        command = [
            *(self._program, "-y", "-loglevel", "error"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{self.fps:.10g}", "-i", "-"),
            *ENCODERS[self.path.suffix.lower()],
            str(whole_files.places(self.path)[1]),
        ]
        # A session of its own: Ctrl-C must end our loop, not the encoder, which has yet to finish the file.
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=child_environment(),
            bufsize=0,
            start_new_session=True,
        )

    def _fail(self, process: subprocess.Popen[bytes]) -> None:
        self._closed = True
        with contextlib.suppress(BrokenPipeError):
            cast("IO[bytes]", process.stdin).close()
        process.kill()
        process.wait()
        self._errors.seek(0)
        output = self._errors.read().decode(errors="replace").strip().splitlines()
        self._errors.close()
        whole_files.discard(self.path)
        raise UserError(f"cannot write {self.path}: {reason(output) or f'{self._program} ended'}")


def reason(output: list[str]) -> str:
    """What ffmpeg's lines of output say of a failure, in one: that the disk is full, else the last; empty for none."""
    full = [line for line in output if os.strerror(errno.ENOSPC) in line]
    return re.sub(r"^\[[^]]*\] ", "", (full or output or [""])[-1])  # without [out#0/mp4 @ 0x56..]


ENCODERS = {
    # Even sides, as this kind of H.264 has them; two threads, so that memory does not depend on the machine. In
    # fragments: one index of the whole film would be held until the end (7 MB after 100,000 frames) and lost by a kill.
    ".mp4": (
        *("-vf", f"pad=ceil(iw/2)*2:ceil(ih/2)*2:color=0x{bytes(PAPER).hex()},format=yuv420p"),
        *("-c:v", "libx264", "-preset", "veryfast"),
        *("-crf", "20", "-threads", "2", "-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-f", "mp4"),
    ),
    # A palette per frame: one for all of them would be known only after the last, and hold every frame until then.
    ".gif": (
        *("-vf", "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=none"),
        *("-f", "gif"),
    ),
}


def ffmpeg() -> str:
    """The path of ffmpeg; a UserError where there is none."""
    try:
        import imageio_ffmpeg

        program: str = imageio_ffmpeg.get_ffmpeg_exe()
    except ImportError:
        raise UserError('a film needs imageio-ffmpeg: pip install "rlbench[play]", or record a .png') from None
    except RuntimeError as error:
        raise UserError(f"a film needs ffmpeg: {error}; or record a .png") from None
    if shutil.which(program) is None:
        raise UserError(f"{program} cannot be run; set IMAGEIO_FFMPEG_EXE to an ffmpeg, or record a .png")
    return program
