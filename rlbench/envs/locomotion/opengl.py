"""Pictures by MuJoCo's own renderer, without a display: through EGL or OSMesa, whichever works here.

OpenGL is loaded in processes of their own, one per model that is drawn. In the caller's process it would be in the way:
a context is current in a thread, where a window may need another; it does not survive a fork; drivers print, hang and
crash. A drawing process ends when the last environment that uses it is closed.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np
from gymnasium.error import DependencyNotInstalled

from rlbench.children import call_after_fork, child_environment, search_path
from rlbench.drawing.shapes import Image
from rlbench.envs.locomotion.opengl_process import HEIGHT, WIDTH
from rlbench.envs.locomotion.simulation import Floats
from rlbench.errors import UserError


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
NO_OPENGL = ("disable", "disabled", "off", "false", "0")  # values of MUJOCO_GL

INHERITED = (
    *("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_*", "SYSTEMROOT", "PYTHONHOME"),
    *("CUDA_VISIBLE_DEVICES", "NVIDIA_*", "MUJOCO_EGL_DEVICE_ID", "EGL_*", "__EGL_*", "__GLX_*", "__NV_*"),
    *("DRI_PRIME", "LIBGL_*", "GALLIUM_*", "MESA_*", "LP_*"),
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_*"),
)
"""Variables by which a drawing process finds libraries, drivers and devices."""

BOOT = """
import os, sys
sys.path[:] = {path!a}
from rlbench.envs.locomotion import opengl_process
opengl_process.main(*sys.argv[1:])
os._exit(0)  # the system frees the contexts; drivers that do it at exit print errors
"""


class Offscreen:
    """The renderer of one model, in a process of its own; threads may share it.

    Args:
        file: of the model, among Gymnasium's assets.
        backend: a name in BACKENDS.

    Raises:
        DependencyNotInstalled: OpenGL does not work here through this backend.
    """

    def __init__(self, file: str, backend: str) -> None:
        self._file, self.backend = file, backend
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._running()
        call_after_fork(self)

    def frame(self, qpos: Floats) -> Image:
        """The picture of a robot at these positions [nq], uint8[480, 480, 3]."""
        image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        with self._lock:
            process = self._running()
            try:
                cast("IO[bytes]", process.stdin).write(np.ascontiguousarray(qpos, np.float64).tobytes())
                _read_into(process, image)
            except (OSError, EOFError):
                _end(process, os.getpid())
                raise UserError(
                    f"the process that draws by {self.backend} ended with status {process.returncode}; "
                    "make the environment with renderer='sticks'"
                ) from None
        return image

    def _running(self) -> subprocess.Popen[bytes]:
        """The drawing process, started where there is none."""
        if self._process is None or self._process.poll() is not None:
            self._process = _start(self._file, self.backend)
            weakref.finalize(self, _end, self._process, os.getpid())
        return self._process

    def after_fork(self) -> None:
        """In a fork: the drawing process is the parent's; the next picture starts another."""
        self._lock = threading.Lock()
        if self._process is not None:
            _close_pipes(self._process)
            self._process.returncode = 0  # not ours to wait for
            self._process = None


def _start(file: str, backend: str) -> subprocess.Popen[bytes]:
    """Start a drawing process. DependencyNotInstalled says why OpenGL does not work."""
    path = [*search_path(), str(Path(__file__).resolve().parents[3])]
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", BOOT.format(path=path), BACKENDS[backend].module, file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=Path(sys.executable).anchor,  # where nothing is imported by chance
            env=child_environment(INHERITED, MUJOCO_GL="disable"),
            start_new_session=True,  # Ctrl-C must not end it, while the caller may still draw
        )
    except OSError as error:
        raise _does_not_work(backend, f"no process can be started: {error.strerror}") from None
    reply = cast("IO[bytes]", process.stdout).readline()
    if reply != b"\n":
        _end(process, os.getpid())
        reason = reply.decode(errors="replace").strip() or f"it ends the process with status {process.returncode}"
        raise _does_not_work(backend, reason)
    return process


def _read_into(process: subprocess.Popen[bytes], image: Image) -> None:
    """Read a whole picture; EOFError where the process ends before."""
    left, pipe = image.data.cast("B"), cast("io.FileIO", process.stdout)  # unbuffered
    while left:
        count = pipe.readinto(left)
        if not count:
            raise EOFError
        left = left[count:]


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    """End a drawing process, unless this is a fork of its owner; a second call does nothing."""
    if os.getpid() != owner or process.returncode is not None:
        return
    _close_pipes(process)  # which ends it
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    process.kill()
    process.wait()


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _does_not_work(backend: str, reason: str) -> DependencyNotInstalled:
    return DependencyNotInstalled(
        f"OpenGL through {backend} does not work here ({reason}); install {REMEDIES}, "
        f"or make the environment with renderer='sticks'"
    )


_shared: weakref.WeakValueDictionary[tuple[str, str], Offscreen] = weakref.WeakValueDictionary()


def offscreen(file: str, backend: str) -> Offscreen:
    """The renderer of a model, shared by all who hold it; DependencyNotInstalled says what the backend lacks."""
    renderer = _shared.get((file, backend))
    if renderer is None:
        renderer = _shared[file, backend] = Offscreen(file, backend)
    return renderer


_broken: set[str] = set()  # backends that were tried in vain


def any_offscreen(file: str) -> Offscreen | None:
    """The renderer of a model by the first backend that works here; None where none does.

    MUJOCO_GL may name the one to try, or forbid OpenGL.
    """
    asked = os.environ.get("MUJOCO_GL", "").lower().strip()
    if asked in NO_OPENGL:
        return None
    for backend in [asked] if asked in BACKENDS else BACKENDS:
        if backend not in _broken:
            try:
                return offscreen(file, backend)
            except DependencyNotInstalled:
                _broken.add(backend)
    return None


def working_backend() -> str | None:
    """The first backend that works here; None where none does."""
    renderer = any_offscreen("swimmer.xml")
    return None if renderer is None else renderer.backend
