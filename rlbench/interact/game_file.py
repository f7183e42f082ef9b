"""Games as files of their own kind, such as Go's SGF, in the place of a film."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rlbench.drawing.shapes import Image
from rlbench.errors import UserError
from rlbench.whole_files import replacing

if TYPE_CHECKING:
    from rlbench.interact.episode import ShownEpisode

GAME_FILES = (".sgf",)


class GameFile:
    """One file per episode: `path` for the first, `<stem>-2.sgf`, `<stem>-3.sgf` ... for those after it.

    A recorder that takes episodes in the place of frames.

    Args:
        path: Its suffix is one of GAME_FILES.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: list[Path] = []
        self.frames = 0
        self._open: list[ShownEpisode] = []

    def take(self, episode: ShownEpisode) -> None:
        """Take an episode before its first step and after each; it is written when it is over.

        Raises:
            UserError: Its environment has no such file, or the file cannot be written.
        """
        if episode not in self._open:
            if episode.game_text() is None:
                raise UserError(f"{episode.name} has no {self.path.suffix}, which is for Go; give a .mp4, .gif or .png")
            self._open.append(episode)
        if episode.over:
            self._write(episode)

    def _write(self, episode: ShownEpisode) -> None:
        self._open.remove(episode)
        number = len(self.written) + 1
        path = self.path if number == 1 else self.path.with_stem(f"{self.path.stem}-{number}")
        try:
            with replacing(path) as scratch:
                scratch.write_text(episode.game_text() or "", encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror or error}") from None
        self.written.append(path)

    def add(self, frame: Image, caption: str = "") -> None:
        """Leave the frame out.

        Args:
            frame: uint8[H, W, 3].
            caption: a line for below it.
        """

    def skip(self, last: bool) -> bool:
        """No frame need be drawn."""
        return True

    def end_episode(self) -> None:
        """Nothing: an episode that has ended is written already."""

    def close(self) -> None:
        """Write the episodes that have not ended."""
        for episode in list(self._open):
            self._write(episode)
