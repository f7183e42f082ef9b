"""The layout of one episode's picture: the frame, magnified where it is small, and the panel to its right."""

from __future__ import annotations

from dataclasses import dataclass

from rlbench.controls.protocol import Help
from rlbench.drawing.resize import magnify
from rlbench.drawing.shapes import Image, canvas
from rlbench.interact.episode import ShownEpisode
from rlbench.interact.filmstrip import Filmstrip
from rlbench.interact.game_file import GameFile
from rlbench.interact.panel import PanelContent, panel
from rlbench.interact.screen import Screen

MIN_HEIGHT = 420  # pixels of a picture with a panel
MAGNIFIED_HEIGHT = 480  # pixels; small frames are magnified to about this height, by a whole factor


@dataclass(frozen=True)
class FrameLayout:
    """Where a frame of height x width pixels stands in the picture: magnified by `factor`, `top` pixels from above."""

    factor: int
    top: int
    height: int
    width: int

    @classmethod
    def of(cls, frame: Image, with_panel: bool = True) -> FrameLayout:
        """The layout for frames of this size; without a panel the picture is the frame itself.

        Args:
            frame: uint8[h, w, 3].
            with_panel: whether a panel stands beside the frame.
        """
        height, width, _ = frame.shape
        if not with_panel:
            return cls(1, 0, height, width)
        factor = max(1, min(round(MAGNIFIED_HEIGHT / height), round(2 * MAGNIFIED_HEIGHT / width)))
        return cls(factor, max(0, MIN_HEIGHT - height * factor) // 2, height, width)

    def picture(self, frame: Image, content: PanelContent | None) -> Image:
        """The frame, and the panel to its right where it has content; uint8[H, W, 3].

        Args:
            frame: uint8[h, w, 3], of the size that the layout is for.
            content: of the panel.
        """
        if content is None:
            return magnify(frame, self.factor)
        height, width = self.height * self.factor, self.width * self.factor
        side = panel(content, max(height, MIN_HEIGHT))
        image = canvas(width + side.shape[1], max(height, MIN_HEIGHT))
        image[self.top : self.top + height, :width] = magnify(frame, self.factor)
        image[:, width:] = side
        return image

    def to_frame(self, x: float, y: float) -> tuple[float, float] | None:
        """The frame's pixel at a pixel of the picture; None outside of the frame."""
        place = x / self.factor, (y - self.top) / self.factor
        inside = 0 <= place[0] < self.width and 0 <= place[1] < self.height
        return place if inside else None


class EpisodeView:
    """Shows one episode on a screen and adds it to the recording; the next episode of the environment, too.

    Args:
        screen: where pictures go.
        keys: what the panel in the window says of the keys.
        record_panel: whether films show the panel; filmstrips never do.
    """

    def __init__(self, screen: Screen, keys: Help, record_panel: bool = True) -> None:
        self.screen, self.keys = screen, keys
        self.pointer: tuple[float, float] | None = None  # of the player, as `pointed_frame` has it
        self.record_panel = record_panel and not isinstance(screen.recorder, Filmstrip)

    def picture(self, episode: ShownEpisode, with_panel: bool) -> Image:
        """The episode at this moment, uint8[H, W, 3].

        Args:
            episode: what to draw.
            with_panel: whether the panel stands beside the frame.
        """
        frame = episode.pointed_frame(self.pointer)
        content = episode.panel_content(self.keys, self.screen.status, self.screen.notice) if with_panel else None
        return FrameLayout.of(frame, with_panel).picture(frame, content)

    def show(self, episode: ShownEpisode, *, moving: bool = True) -> None:
        """Put it in the window, for as long as a step lasts.

        Args:
            episode: what to draw.
            moving: whether the environment takes steps at the moment.
        """
        self.screen.show(lambda: self.picture(episode, self.screen.panelled), moving=moving)

    def wait(self, episode: ShownEpisode) -> None:
        """Put it in the window, for as long as a step lasts and the screen is paused."""
        self.screen.wait(lambda: self.picture(episode, self.screen.panelled))

    def record(self, episode: ShownEpisode) -> None:
        """Add it to the recording."""
        if isinstance(self.screen.recorder, GameFile):
            self.screen.recorder.take(episode)
        self.screen.record(lambda: self._recorded(episode), episode.caption(), episode.over)

    def to_frame(self, episode: ShownEpisode, x: float, y: float) -> tuple[float, float] | None:
        """The frame's pixel at a pixel of what the window shows; None outside of the frame.

        Args:
            episode: what the window shows.
            x: pixels from the left.
            y: pixels from above.
        """
        return FrameLayout.of(episode.frame(), self.screen.panelled).to_frame(x, y)

    def _recorded(self, episode: ShownEpisode) -> Image:
        """The picture for the recording. Its panel has no keys, since nobody can press them."""
        frame = episode.frame()
        return FrameLayout.of(frame).picture(frame, episode.panel_content()) if self.record_panel else frame
