"""Films that a notebook shows in its page: how they are made, how long and large they may be, HTML5 video."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlbench import whole_files
from rlbench.drawing.shapes import Image
from rlbench.errors import UserError
from rlbench.interact.encoded import page_film
from rlbench.interact.recorder import Film, ffmpeg
from rlbench.interact.screen import MAX_SPEED, MIN_SPEED, Screen

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 16 << 20
MAX_WIDTH = 720  # pixels of a film in a page


@dataclass(frozen=True)
class WatchedEpisodes:
    """Episodes as a film, which a notebook shows in place: HTML5 video, in the page itself."""

    mp4: bytes
    """The film, H.264."""

    size: tuple[int, int]
    """Width and height in pixels."""

    fps: float
    """Frames per second."""

    frames: int
    rows: tuple[Mapping[str, Any], ...]

    @property
    def episodes(self) -> pd.DataFrame:
        """A row per episode: number, seed, return, length in steps, and how it ended where the film shows the end."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the film to a file, an .mp4, and return its path."""
        path = Path(path)
        if path.suffix.lower() != ".mp4":
            raise UserError(f"the film is an MP4: give {path} a name that ends in .mp4")
        try:
            with whole_files.replacing(path) as scratch:
                scratch.write_bytes(self.mp4)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from None
        return path

    def __repr__(self) -> str:
        """One line: how long it is, and how large."""
        return f"<film: {self.frames:,} frames at {self.fps:g} per second, {len(self.mp4):,} bytes>"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.mp4).decode("ascii")
        return (
            f'<video controls autoplay loop muted playsinline width="{min(self.size[0], MAX_WIDTH)}" '
            f'style="max-width: 100%" src="data:video/mp4;base64,{data}"></video>'
        )


@dataclass(frozen=True)
class FilmSettings:
    """How episodes are filmed; as `watch` takes it."""

    path: Path
    speed: float
    max_frames: int
    panel: bool
    quiet: bool


@contextmanager
def filming(how: FilmSettings, fps: float) -> Iterator[tuple[BoundedFilm, Screen]]:
    """A film, and the screen that records it.

    Args:
        how: Settings of the film.
        fps: Steps per second of the environment at its own pace.
    """
    if not MIN_SPEED <= how.speed <= MAX_SPEED:
        raise UserError(f"speed is between {MIN_SPEED:g} and {MAX_SPEED:g}, got {how.speed:g}")
    with closing(BoundedFilm(how.path, fps * how.speed, how.max_frames)) as film:
        yield film, Screen(fps, None, film)


class FilmEnded(Exception):  # noqa: N818  # no error: enough is shown
    """The film has as many frames as it may have."""


class BoundedFilm(Film):
    """A film that raises FilmEnded when it has as many frames as it may have."""

    def __init__(self, path: Path, fps: float, max_frames: int) -> None:
        super().__init__(path, fps)
        self._max_frames = max_frames
        self._size: tuple[int, int] = (0, 0)

    @property
    def full(self) -> bool:
        """Whether it has as many frames as it may have."""
        return self.frames >= self._max_frames

    def add(self, frame: Image, caption: str = "") -> None:
        """Take one frame; FilmEnded after the last."""
        super().add(frame, caption)
        height, width, _ = frame.shape
        self._size = (width + width % 2, height + height % 2)  # as H.264 has them
        if self.full:
            raise FilmEnded

    def made(self, rows: Sequence[Mapping[str, Any]]) -> WatchedEpisodes:
        """The finished film, with the rows of the episodes that it shows to their ends."""
        self.close()
        mp4 = page_film(ffmpeg(), self.path, self.frames / self.fps, MAX_BYTES)
        return WatchedEpisodes(mp4, self._size, self.fps, self.frames, tuple(rows))
