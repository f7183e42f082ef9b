"""A robot as a picture: by MuJoCo's renderer where OpenGL works, else as sticks, in plain NumPy.

The sticks are the model's own capsules and spheres, projected without perspective: a planar robot from the side, one
that moves freely from above its shoulder, one in the plane from the top. The view follows the torso; the ground's marks
are a metre apart. Limbs on the far side, or a planar robot's left ones, are lighter. The torso turns from blue to
vermilion when the episode has ended by falling.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from rlbench.core.arguments import choice
from rlbench.drawing.shapes import BLUE, GREY, INK, MIST, VERMILION, Colour, Image, canvas, disc, line, rectangle
from rlbench.envs.locomotion.mujoco_bindings import import_mujoco, load_model
from rlbench.envs.locomotion.opengl import BACKENDS, Offscreen, any_offscreen, offscreen
from rlbench.envs.locomotion.physics import Body, Root
from rlbench.envs.locomotion.simulation import Floats

RENDERERS = ("auto", *BACKENDS, "sticks")
SIZE = 480  # pixels of either side
FAR: Colour = (170, 176, 184)  # limbs on the far side, marks on the ground
REACH = 8  # m, how far from the torso the ground has marks


class Pictures:
    """The pictures of a robot's body. A copy of it, and what is unpickled, draws by itself.

    Args:
        body: the robot's.
        renderer: a name in RENDERERS; the ArgumentError for an unknown one names the nearest.
    """

    def __init__(self, body: Body, renderer: str) -> None:
        self.body, self.renderer = body, choice("renderer", renderer, RENDERERS)
        self._offscreen: Offscreen | None = None

    def frame(self, qpos: Floats, fallen: bool) -> Image:
        """The picture of a robot at these positions [nq], uint8[480, 480, 3]."""
        if self.renderer == "auto":
            self._offscreen = any_offscreen(self.body.file)
            self.renderer = self._offscreen.backend if self._offscreen else "sticks"
        if self.renderer == "sticks":
            return sticks(self.body, qpos, fallen)
        if self._offscreen is None:
            self._offscreen = offscreen(self.body.file, self.renderer)
        return self._offscreen.frame(qpos)

    def close(self) -> None:
        """Free the renderer; the next picture would open it again."""
        self._offscreen = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.body, self.renderer)


class View(NamedTuple):
    """A direction to look in, without perspective."""

    azimuth: float  # rad, of the camera around the vertical; 0 looks along +y
    elevation: float  # rad, of the camera above the horizon
    scale: float  # pixels per metre
    ground: float  # row of the ground below the torso

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Image coordinates [..., 2] and distance along the ground from the camera [...], of points [..., 3], m."""
        x, y, z = np.moveaxis(points, -1, 0)
        across = x * math.cos(self.azimuth) + y * math.sin(self.azimuth)
        away = y * math.cos(self.azimuth) - x * math.sin(self.azimuth)
        above = z * math.cos(self.elevation) + away * math.sin(self.elevation)
        return np.stack((SIZE / 2 + self.scale * across, self.ground - self.scale * above), axis=-1), away


VIEWS: dict[Root, View] = {
    "planar": View(0.0, 0.0, 150.0, 380.0),
    "free": View(math.radians(-35), math.radians(20), 190.0, 370.0),
    "flat": View(0.0, math.radians(90), 90.0, 240.0),
}


def sticks(body: Body, qpos: Floats, fallen: bool = False) -> Image:
    """The drawing of a robot at these positions, uint8[480, 480, 3]."""
    model, data = _scratch(body.file)
    data.qpos[:] = qpos
    import_mujoco().mj_kinematics(model, data)
    view = VIEWS[body.root]
    centre = np.array([*data.xpos[1, :2], 0.0])
    image = canvas(SIZE, SIZE)
    _ground(image, body.root, view, centre)
    for shape in sorted(_shapes(model, data, view, centre), key=lambda shape: -shape.away):
        colour = (VERMILION if fallen else BLUE) if shape.torso else FAR if shape.far else INK
        if shape.start == shape.end:
            disc(image, *shape.start, shape.width / 2, colour)
        else:
            line(image, shape.start, shape.end, shape.width, colour)
    return image


class Shape(NamedTuple):
    """A capsule, or with equal ends a sphere, in the image."""

    start: tuple[float, float]
    end: tuple[float, float]
    width: float
    away: float
    torso: bool
    far: bool


def _shapes(model: Any, data: Any, view: View, centre: Floats) -> list[Shape]:
    kinds = import_mujoco().mjtGeom
    solid = [i for i in range(model.ngeom) if model.geom_type[i] != kinds.mjGEOM_PLANE]
    _, middle = view.project(data.xpos[1] - centre)
    shapes = []
    for i in solid:
        half = model.geom_size[i, 1] if model.geom_type[i] == kinds.mjGEOM_CAPSULE else 0.0
        reach = half * data.geom_xmat[i].reshape(3, 3)[:, 2]
        place = data.geom_xpos[i] - centre
        ends, distances = view.project(np.stack((place - reach, place + reach)))
        start, end = ((float(x), float(y)) for x, y in ends)
        owner, left = int(model.geom_bodyid[i]), False
        if view.elevation == 0:
            left = "left" in model.body(owner).name
        away = float(distances.mean() - middle) + 0.1 * left
        width = 2 * view.scale * float(model.geom_size[i, 0])
        shapes.append(Shape(start, end, width, away, owner == 1, away > 0.05))
    return shapes


def _ground(image: Image, root: Root, view: View, centre: Floats) -> None:
    """The floor: a line with marks from the side, else dots; all a metre apart, every fifth of them larger."""
    if root == "planar":
        rectangle(image, -1, view.ground, SIZE + 1, SIZE + 1, MIST)
        line(image, (0, view.ground), (SIZE, view.ground), 2, GREY)
        for metre in _metres(centre[0]):
            x = SIZE / 2 + view.scale * (metre - centre[0])
            line(image, (x, view.ground + 8), (x, view.ground + (24 if metre % 5 == 0 else 14)), 2, GREY)
        return
    for x in _metres(centre[0]):
        for y in _metres(centre[1]):
            (column, row), _ = view.project(np.array([x, y, 0.0]) - centre)
            disc(image, float(column), float(row), 4 if x % 5 == 0 and y % 5 == 0 else 2, FAR)


def _metres(middle: float) -> range:
    """The whole metres around a place."""
    return range(math.floor(middle) - REACH, math.ceil(middle) + REACH + 1)


@functools.lru_cache(maxsize=8)
def _scratch(file: str) -> tuple[Any, Any]:
    """A model and an MjData to compute positions in."""
    model = load_model(file)
    return model, import_mujoco().MjData(model)
