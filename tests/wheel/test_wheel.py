"""The wheel, in an environment with nothing but what its metadata asks for, does what it says."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AGENT = ROOT / "baselines" / "pretrained" / "cart-pole@1" / "reinforce-s0"
EXTRAS = "torch", "ale_py", "mujoco", "pygame", "pytest", "stable_baselines3", "torchrl", "ray"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A virtual environment into which the wheel has been installed without extras: its Python, and its packages."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "-w", folder, ROOT], check=True)
    (wheel,) = folder.glob("rlbench-*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-c", constraints, wheel], check=True)
    packages = sysconfig.get_path("purelib", vars={"base": str(folder / "venv")})
    return python, Path(packages)


@pytest.fixture
def run(installed, tmp_path):
    """Runs Python with these words, in an empty folder, and returns exit code, output and errors."""

    def python(*words, options=(), environment=None):
        surroundings = {**os.environ, "RLBENCH_CACHE": str(tmp_path / "cache"), **(environment or {})}
        surroundings = {name: value for name, value in surroundings.items() if value is not None}
        command = [installed[0], *options, *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, encoding="utf-8", stdin=0
        )
        return done.returncode, done.stdout, done.stderr

    return python


def test_no_extra_is_there(run):
    code = f"import importlib.util as u; print([name for name in {EXTRAS} if u.find_spec(name)])"
    assert run("-c", code) == (0, "[]\n", "")


STEPS = """
import gymnasium, rlbench
for name in ("GridWorld", "CartPole", "GlimpseMNIST", "Go5x5"):
    id = f"rlbench/{name}-v0"
    arguments = {"opponent": "random"} if name == "Go5x5" else {}
    env = gymnasium.make(id, render_mode="rgb_array", **arguments)
    env.reset(seed=1)
    env.step(3 if arguments else env.action_space.sample())
    assert env.render().ndim == 3
    envs = gymnasium.make_vec(id, num_envs=2, **arguments)
    envs.reset(seed=1)
    envs.step([3, 4] if arguments else envs.action_space.sample())
    envs.close()
"""
SURROUNDINGS = {
    "plain": ((), {}),
    "optimised": (("-O",), {}),
    "warnings are errors": (("-W", "error"), {}),
    "no home": ((), {"HOME": None, "RLBENCH_CACHE": None}),
    "C locale": ((), {"LC_ALL": "C", "LANG": None, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "nothing can be kept": ((), {"HOME": "/proc/none", "RLBENCH_CACHE": "/proc/none", "TMPDIR": None}),
}
in_surroundings = pytest.mark.parametrize("surroundings", SURROUNDINGS)


@in_surroundings
def test_environments_step(run, surroundings):
    options, environment = SURROUNDINGS[surroundings]
    assert run("-c", STEPS, options=options, environment=environment) == (0, "", "")


@in_surroundings
def test_commands_run(run, surroundings):
    options, environment = SURROUNDINGS[surroundings]

    def rlbench(*words):
        return run("-m", "rlbench", *words, options=options, environment=environment)

    code, out, err = rlbench("list")
    assert (code, err) == (0, "")
    assert "cart-pole@1" in out
    code, out, err = rlbench("play", "GridWorld", "--keys", "left", "up", "--record", "film.png")
    assert (code, err) == (0, "wrote film.png\n")
    code, out, err = rlbench("show", "GridWorld")
    assert (code, err) == (0, "wrote show.png\n")


@pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
@pytest.mark.parametrize("surroundings", ["plain", "optimised", "warnings are errors", "no home", "C locale"])
def test_an_agent_of_data_alone_is_scored(run, surroundings):
    options, environment = SURROUNDINGS[surroundings]
    words = "evaluate", str(AGENT), "--task", "cart-pole@1", "--quiet"
    code, _, err = run("-m", "rlbench", *words, options=options, environment=environment)
    assert code == 0, err
    assert "Traceback" not in err
    code, _, err = run("-m", "rlbench", "leaderboard", options=options, environment=environment)
    assert (code, "Traceback" in err) == (0, False), err


@pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
def test_a_new_agent_and_a_new_task_are_written_and_tried(run):
    """Their templates and schemas are in the wheel."""
    for words in ("new-agent mine", "check mine --quiet", "new-task CartPole-v1 --name poles --measured 50 -q"):
        code, _, err = run("-m", "rlbench", *words.split())
        assert (code, "Traceback" in err) == (0, False), err


NEED_EXTRAS = {
    "train dqn": "baselines",
    "evaluate random --task cart-pole --executor ray": "ray",
    "play Hopper --keys up": "mujoco",
    "play AtariPong --keys up": "atari",
    "watch random --task cart-pole --record film.mp4": "play",
}


@pytest.mark.parametrize("words", NEED_EXTRAS)
def test_a_missing_extra_is_named_with_its_command(run, words):
    code, _, err = run("-m", "rlbench", *words.split())
    assert code == 2, err
    assert f'pip install "rlbench[{NEED_EXTRAS[words]}]"' in err
    assert len(err.splitlines()) == 1


def test_nothing_is_written_beside_the_packages(installed, run):
    def files():
        return {path for path in installed[1].rglob("*") if path.suffix != ".pyc" and path.name != "__pycache__"}

    before = files()
    assert run("-c", STEPS)[0] == 0
    assert files() == before
