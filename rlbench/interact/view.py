"""The view of one episode: its stage, with or without the panel, for a window, a film or a filmstrip."""

from __future__ import annotations

from rlbench.controls.protocol import Help
from rlbench.drawing.shapes import Image
from rlbench.interact.episode import Episode
from rlbench.interact.filmstrip import Filmstrip
from rlbench.interact.layout import Stage
from rlbench.interact.screen import Screen


class View:
    """Draws an episode and whatever follows it in the same environment on a screen."""

    def __init__(self, screen: Screen, keys: Help, filmed_panel: bool = True) -> None:
        self.screen, self.keys = screen, keys
        self.filmed_panel = filmed_panel and not isinstance(screen.recorder, Filmstrip)

    def picture(self, episode: Episode, panelled: bool) -> Image:
        """The episode at this moment."""
        frame = episode.frame()
        figures = episode.figures(self.keys, self.screen.status, self.screen.notice) if panelled else None
        return Stage.of(frame, panelled).picture(frame, figures)

    def show(self, episode: Episode, *, moving: bool = True) -> None:
        """Put it in the window, for as long as a step lasts."""
        self.screen.show(lambda: self.picture(episode, self.screen.panelled), moving=moving)

    def wait(self, episode: Episode) -> None:
        """The same, and for as long as the screen is paused."""
        self.screen.wait(lambda: self.picture(episode, self.screen.panelled))

    def record(self, episode: Episode) -> None:
        """Add it to the recording."""
        self.screen.record(lambda: self._filmed(episode), episode.caption(), episode.over)

    def to_frame(self, episode: Episode, x: float, y: float) -> tuple[float, float] | None:
        """The frame's pixel at a pixel of what the window shows."""
        return Stage.of(episode.frame(), self.screen.panelled).to_frame(x, y)

    def _filmed(self, episode: Episode) -> Image:
        """Films show no keys, for nobody can press them."""
        if not self.filmed_panel:
            return episode.frame()
        frame = episode.frame()
        return Stage.of(frame).picture(frame, episode.figures())
