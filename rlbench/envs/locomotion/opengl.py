"""Pictures by MuJoCo's own renderer, without a display: through EGL or OSMesa, whichever works here."""

from __future__ import annotations

import atexit
import functools
import importlib
import os
import sys
import threading
from typing import Any, NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from rlbench.drawing.shapes import Image
from rlbench.envs.locomotion.mujoco_bindings import import_mujoco, load_model, quiet
from rlbench.envs.locomotion.simulation import Floats

WIDTH = HEIGHT = 480  # pixels, as Gymnasium's
TORSO = 1  # the first body after the world
CAMERA = "track"  # every model has it; it follows the robot's centre of mass


class Backend(NamedTuple):
    """A way to OpenGL: the module of MuJoCo that opens it, and the packages that bring it."""

    module: str
    remedy: str


EGL = Backend("mujoco.egl", "libegl1 and libgl1-mesa-dri (Debian's EGL)")
OSMESA = Backend("mujoco.osmesa", "libosmesa6 (Debian's OSMesa)")
if sys.platform == "linux":
    BACKENDS = {"egl": EGL, "osmesa": OSMESA}
else:
    BACKENDS = {"glfw": Backend("mujoco.gl_context", "a display")}
REMEDIES = " or ".join(backend.remedy for backend in BACKENDS.values())


class Offscreen:
    """The renderer of one model: a context of OpenGL, a scene and a camera that follows.

    Raises whatever the backend raises where it does not work.
    """

    def __init__(self, file: str, module: str) -> None:
        self._mujoco = mujoco = import_mujoco()
        self._model = dressed(load_model(file))
        self._data = mujoco.MjData(self._model)
        self._floors = floors(self._model)
        self._gl = importlib.import_module(module).GLContext(WIDTH, HEIGHT)
        self._gl.make_current()
        self._scene = mujoco.MjvScene(self._model, maxgeom=1000)
        self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = self._model.camera(CAMERA).id
        atexit.register(self._close)

    def frame(self, qpos: Floats) -> Image:
        """The picture of a robot at these positions [nq], uint8[480, 480, 3]."""
        mujoco = self._mujoco
        self._data.qpos[:] = qpos
        mujoco.mj_forward(self._model, self._data)
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        self._data.geom_xpos[self._floors, :2] = 2 * np.round(self._data.xpos[TORSO, :2] / 2)  # by whole textures
        options, hand = mujoco.MjvOption(), mujoco.MjvPerturb()
        mujoco.mjv_updateScene(self._model, self._data, options, hand, self._camera, everything, self._scene)
        self._gl.make_current()
        image, rectangle = np.empty((HEIGHT, WIDTH, 3), np.uint8), mujoco.MjrRect(0, 0, WIDTH, HEIGHT)
        mujoco.mjr_render(rectangle, self._scene, self._context)
        mujoco.mjr_readPixels(image, None, rectangle, self._context)
        return image[::-1].copy()  # OpenGL counts rows from below

    def _close(self) -> None:
        """Free the two contexts in the order in which they depend on each other."""
        self._gl.make_current()
        self._context.free()
        self._gl.free()


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


def offscreen(file: str, backend: str) -> Offscreen:
    """The renderer of a model, made once per thread; DependencyNotInstalled says what the backend lacks."""
    try:
        return _made(file, backend, os.getpid(), threading.get_ident())
    except Exception as error:  # ImportError, AttributeError, RuntimeError, GLError: each driver has its own
        if _made.cache_info().currsize:
            reason = "this process draws through another, and PyOpenGL allows for one"
            raise DependencyNotInstalled(f"OpenGL through {backend} does not work here: {reason}") from error
        _forget()
        raise DependencyNotInstalled(
            f"OpenGL through {backend} does not work here ({_first_line(error)}); install {REMEDIES}, "
            f"or make the environment with renderer='sticks'"
        ) from error


@functools.lru_cache(maxsize=16)
def _made(file: str, backend: str, process: int, thread: int) -> Offscreen:
    with quiet():
        return Offscreen(file, BACKENDS[backend].module)


@functools.cache
def working_backend() -> str | None:
    """The first backend that works here, the one that MUJOCO_GL names before all others; None for none."""
    asked = os.environ.get("MUJOCO_GL", "").lower()
    for backend in [asked] if asked in BACKENDS else BACKENDS:
        try:
            offscreen("swimmer.xml", backend)
        except DependencyNotInstalled:
            continue
        return backend
    return None


def _forget() -> None:
    """Unload what a backend that failed has loaded: PyOpenGL settles on a platform when it is first imported."""
    if os.environ.get("PYOPENGL_PLATFORM") in BACKENDS:
        del os.environ["PYOPENGL_PLATFORM"]
    doomed = ("OpenGL", *(backend.module for backend in BACKENDS.values()))
    for name in [name for name in sys.modules if name.startswith(doomed)]:
        del sys.modules[name]


def _first_line(error: Any) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
