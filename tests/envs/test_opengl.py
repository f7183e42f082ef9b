"""Drawing processes: OpenGL is kept out of this one, whatever the driver, and they end with their environments."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import threading

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench.envs.locomotion import opengl
from rlbench.errors import UserError

pytest.importorskip("mujoco", reason='robots need pip install "rlbench[mujoco]"')


@pytest.fixture
def backend():
    """The backend that works here."""
    name = opengl.working_backend()
    if name is None:
        pytest.skip("OpenGL works here neither through EGL nor through OSMesa")
    return name


@pytest.fixture
def make():
    """Makes hoppers that are closed at the end."""
    made = []

    def make(renderer):
        env = gymnasium.make("rlbench/Hopper-v0", render_mode="rgb_array", renderer=renderer)
        made.append(env)  # threads make some at the same time
        env.reset(seed=0)
        return env

    yield make
    for env in made:
        env.close()


def drawing_process(backend):
    return opengl.offscreen("hopper.xml", backend)._process


PROGRAM = """
import os, pathlib, sys, threading, gymnasium, rlbench
env = gymnasium.make("rlbench/Hopper-v0", render_mode="rgb_array", renderer=sys.argv[1])
env.reset(seed=0)
variables, threads = dict(os.environ), threading.active_count()
try:
    print(env.render().shape, env.unwrapped._robot.pictures.renderer)
except (rlbench.errors.UserError, gymnasium.error.DependencyNotInstalled) as error:
    print(type(error).__name__, error)
assert dict(os.environ) == variables and threading.active_count() == threads
if sys.platform == "linux":
    libraries = pathlib.Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    assert not [name for name in ("libEGL", "libGL", "libOSMesa", "_dri.so") if name + "." in libraries]
assert not [name for name in sys.modules if name.startswith(("OpenGL", "mujoco.egl", "mujoco.osmesa"))
            and not os.environ.get("MUJOCO_GL")]
"""


def drawn(renderer, **variables):
    """The line that a program prints which draws a hopper under these environment variables."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, renderer],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    return line


def test_no_opengl_is_loaded_into_the_callers_process(backend):
    assert drawn("auto") == f"(480, 480, 3) {backend}"


HOSTILE = [
    {"MUJOCO_GL": "osmesa"},
    {"__EGL_VENDOR_LIBRARY_FILENAMES": "/nowhere"},
    {"PYOPENGL_PLATFORM": "glx"},
    {"MUJOCO_GL": "glfw"},
    {"MUJOCO_GL": "egl", "PYOPENGL_PLATFORM": "osmesa"},
    {"MUJOCO_GL": "off"},
    {"DISPLAY": ":9999"},
    {"MUJOCO_EGL_DEVICE_ID": "99"},
    {"MUJOCO_EGL_DEVICE_ID": "x"},
    {"LIBGL_DRIVERS_PATH": "/nowhere"},
    {"GALLIUM_DRIVER": "bogus"},
    {"MESA_GL_VERSION_OVERRIDE": "1.0"},
    {"EGL_PLATFORM": "bogus"},
    {"XDG_RUNTIME_DIR": "/nowhere"},
]
IN_CI = 1


@pytest.mark.skipif(sys.platform != "linux", reason="EGL and OSMesa are for Linux")
@pytest.mark.parametrize("renderer", ["auto", pytest.param("egl", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "variables",
    [pytest.param(each, marks=[] if i < IN_CI else [pytest.mark.slow], id=str(each)) for i, each in enumerate(HOSTILE)],
)
def test_whatever_is_missing_there_is_a_picture_or_one_line(renderer, variables):
    line = drawn(renderer, **variables)
    refused = line.startswith("DependencyNotInstalled OpenGL through egl does not work here (")
    assert line.startswith("(480, 480, 3)") or (renderer == "egl" and refused)


def test_environments_share_a_drawing_process_and_the_last_one_ends_it(backend, make):
    first, second = make(backend), make(backend)
    assert np.array_equal(first.render(), second.render())
    process = drawing_process(backend)
    first.close()
    assert process.poll() is None
    second.close()
    assert process.returncode is not None
    assert second.render().any()  # a closed environment can still be looked at


@pytest.mark.slow
def test_a_forgotten_environment_ends_its_drawing_process(backend):
    env = gymnasium.make("rlbench/Hopper-v0", render_mode="rgb_array", renderer=backend)
    env.reset(seed=0)
    env.render()
    process = drawing_process(backend)
    del env
    assert process.returncode is not None


@pytest.mark.slow
def test_copies_draw_by_themselves(backend, make):
    env = make(backend)
    picture, pictures = env.render(), env.unwrapped._robot.pictures
    for each in (copy.deepcopy(pictures), pickle.loads(pickle.dumps(pictures))):
        assert np.array_equal(each.frame(env.unwrapped.state.qpos, False), picture)


@pytest.mark.slow
def test_threads_draw_one_after_another(backend, make):
    env = make(backend)
    expected, pictures = env.render(), []
    threads = [threading.Thread(target=lambda: pictures.append(make(backend).render())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pictures) == 4
    assert all(np.array_equal(each, expected) for each in pictures)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # not by what is tested
def test_a_fork_draws_by_a_process_of_its_own(backend, make):
    env = make(backend)
    expected, parents = env.render(), drawing_process(backend)
    pipe = parents.stdin.fileno()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        is_left_to_parent = not os.path.exists(f"/proc/self/fd/{pipe}")  # else it would outlive the parent
        is_same = np.array_equal(env.render(), expected)
        os._exit(int(not is_left_to_parent or not is_same or drawing_process(backend).pid == parents.pid))
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(env.render(), expected)


def test_a_driver_that_crashes_is_one_line_and_can_be_tried_again(backend, make):
    env = make(backend)
    expected = env.render()
    process = drawing_process(backend)
    process.send_signal(signal.SIGSTOP)
    crash = threading.Timer(0.1, process.kill)  # in the middle of a picture
    crash.start()
    with pytest.raises(UserError, match=rf"draws by {backend} ended with status -9; .*renderer='sticks'"):
        env.render()
    crash.join()
    assert np.array_equal(env.render(), expected)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="deletes its working folder")
@pytest.mark.parametrize("streams", ["", "0<&-", "1>/dev/null 2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize("folder", ["hostile", "deleted"])
def test_the_working_folder_and_the_standard_streams_do_not_matter(backend, tmp_path, folder, streams):
    script, out, here = tmp_path / "draw.py", tmp_path / "out", tmp_path / folder
    script.write_text(
        "import gymnasium, pathlib, rlbench\n"
        "env = gymnasium.make('rlbench/Hopper-v0', render_mode='rgb_array')\n"
        "env.reset(seed=0)\n"
        "env.render()\n"
        f"pathlib.Path({str(out)!r}).write_text(env.unwrapped._robot.pictures.renderer, encoding='utf-8')\n",
        encoding="utf-8",
    )
    here.mkdir()
    for name in ("mujoco", "numpy", "rlbench", "signal"):
        (here / f"{name}.py").write_text("raise SystemExit('imported from the working folder')", encoding="utf-8")
    remove = f"rm -r {here};" if folder == "deleted" else ""
    subprocess.run(["sh", "-c", f"{remove} exec {sys.executable} {script} {streams}"], cwd=here, check=True)
    assert out.read_text(encoding="utf-8") == backend
