"""The process that draws one robot by MuJoCo's renderer: positions in, pictures out.

Standard output begins with a line: empty, or why OpenGL does not work. From then on each `qpos`, float64[nq], on
standard input is answered by a picture, uint8[480, 480, 3]. It ends with its input.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.drawing.shapes import Image
from rlbench.envs.locomotion.mujoco_bindings import import_mujoco, load_model, quiet
from rlbench.envs.locomotion.simulation import Floats

WIDTH = HEIGHT = 480  # pixels, as Gymnasium's
TORSO = 1  # the first body after the world
CAMERA = "track"  # every model has it; it follows the robot's centre of mass
TIME_LIMIT = 60  # s, for the start and for each picture; a driver that hangs longer ends this process


class Renderer:
    """The renderer of one model: a context of OpenGL, a scene and a camera that follows.

    Raises whatever the backend raises where it does not work.
    """

    def __init__(self, module: str, file: str) -> None:
        self._mujoco = mujoco = import_mujoco()
        self.model = dressed(load_model(file))
        self._data = mujoco.MjData(self.model)
        self._floors = floors(self.model)
        self._gl = importlib.import_module(module).GLContext(WIDTH, HEIGHT)
        self._gl.make_current()
        self._scene = mujoco.MjvScene(self.model, maxgeom=1000)
        self._context = mujoco.MjrContext(self.model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = self.model.camera(CAMERA).id

    def frame(self, qpos: Floats) -> Image:
        """The picture of a robot at these positions [nq], uint8[480, 480, 3]."""
        mujoco = self._mujoco
        self._data.qpos[:] = qpos
        mujoco.mj_forward(self.model, self._data)
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        self._data.geom_xpos[self._floors, :2] = 2 * np.round(self._data.xpos[TORSO, :2] / 2)  # by whole textures
        options, hand = mujoco.MjvOption(), mujoco.MjvPerturb()
        mujoco.mjv_updateScene(self.model, self._data, options, hand, self._camera, everything, self._scene)
        image, rectangle = np.empty((HEIGHT, WIDTH, 3), np.uint8), mujoco.MjrRect(0, 0, WIDTH, HEIGHT)
        mujoco.mjr_render(rectangle, self._scene, self._context)
        mujoco.mjr_readPixels(image, None, rectangle, self._context)
        return image[::-1].copy()  # OpenGL counts rows from below


def floors(model: Any) -> NDArray[np.intp]:
    """The indices of the planes among a model's geoms."""
    return np.flatnonzero(model.geom_type == import_mujoco().mjtGeom.mjGEOM_PLANE.value)


def dressed(model: Any) -> Any:
    """The model as it is drawn: squares of a metre as far as one sees, and lights that go with the torso.

    Robots run out of Gymnasium's floors, which are 80 m wide; this one is moved along. MuJoCo's infinite ones end at
    800 m. The black squares are made grey, for shadows to show.
    """
    mujoco = import_mujoco()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    for floor in floors(model):
        model.geom_size[floor, :2] = 200  # m, to the horizon
        material = model.geom_matid[floor]
        model.mat_texuniform[material], model.mat_texrepeat[material] = True, 1.0  # per 2 m, which are two squares
        texture = int(model.mat_texid[material, mujoco.mjtTextureRole.mjTEXROLE_RGB.value])
        size = model.tex_height[texture] * model.tex_width[texture] * model.tex_nchannel[texture]
        pixels = model.tex_data[model.tex_adr[texture] :][:size]
        pixels[:] = 110 + pixels // 3
    model.light_mode[:], model.light_bodyid[:] = mujoco.mjtCamLight.mjCAMLIGHT_TRACK.value, TORSO
    model.light_pos0[:] = data.light_xpos - data.xpos[TORSO]
    return model


def main(module: str, file: str) -> None:
    """Draw until the input ends.

    Args:
        module: the one of MuJoCo that opens OpenGL.
        file: a model among Gymnasium's assets.
    """
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what drivers print is no reply
    _allow_time()
    try:
        with quiet():
            renderer = Renderer(module, file)
    except AttributeError:  # PyOpenGL goes on with None for a library that it does not find
        replies.write(b"its library cannot be loaded\n")
        return
    except Exception as error:  # ImportError, RuntimeError, GLError: each driver has its own
        replies.write(((str(error).splitlines() or [type(error).__name__])[0] + "\n").encode())
        return
    replies.write(b"\n")
    size = 8 * renderer.model.nq
    _allow_time(0)
    while len(positions := sys.stdin.buffer.read(size)) == size:
        _allow_time()
        picture = renderer.frame(np.frombuffer(positions))
        _allow_time(0)
        _write(replies, picture)


def _write(stream: Any, image: Image) -> None:
    """Write all of a picture; a pipe takes it in parts."""
    left = image.data.cast("B")
    while left:
        left = left[stream.write(left) :]


def _allow_time(seconds: int = TIME_LIMIT) -> None:
    """This process ends if it is still busy after so many seconds; 0 for no limit."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)
