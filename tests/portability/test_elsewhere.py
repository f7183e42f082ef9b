"""On Windows and macOS, pretended: environments, training, playing work; evaluation says that it needs Linux."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ELSEWHERE = Path(__file__).with_name("elsewhere.py")
ROOT = ELSEWHERE.parents[2]
MACOS = pytest.param("darwin", marks=pytest.mark.slow)  # lacks less
PLATFORMS = pytest.mark.parametrize("platform", ["win32", MACOS])
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems are pretended on Linux")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A folder for compiled loops."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def elsewhere(tmp_path, cache):
    """Runs a command, or code after `-c`, on a pretended platform; returns exit code, output and errors."""

    def run(platform, *words):
        environment = {**os.environ, "RLBENCH_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, ELSEWHERE, platform, *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8", stdin=0
        )
        return done.returncode, done.stdout, done.stderr

    return run


IMPORTS = """
import importlib, pkgutil, baselines, rlbench
libraries = {"torch", "stable_baselines3", "torchrl", "ray", "tensorboard", "mujoco", "ale_py", "pygame"}
for package in (rlbench, baselines):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not any(word in module.name for word in ("__main__", "pretrained", "builtin")):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                assert error.name.split(".")[0] in libraries, (module.name, error)
"""


@PLATFORMS
def test_every_module_can_be_imported(platform, elsewhere):
    assert elsewhere(platform, "-c", IMPORTS) == (0, "", "")


STEP_ALL = """
import gymnasium, numpy as np, rlbench
for name, arguments in {names!r}.items():
    id = f"rlbench/{{name}}-v0"
    try:
        env = gymnasium.make(id, render_mode="rgb_array", **arguments)
    except gymnasium.error.DependencyNotInstalled:
        continue
    env.reset(seed=1)
    env.step(3 if "Go" in name else env.action_space.sample())
    assert env.render().ndim == 3
    env.close()
    envs = gymnasium.make_vec(id, num_envs=3, **arguments)
    envs.reset(seed=1)
    envs.step(np.array([1, 2, 3]) if "Go" in name else envs.action_space.sample())
    envs.close()
envs = gymnasium.make_vec("rlbench/GridWorld-v0", num_envs=4096, parallel=True)
envs.reset(seed=1)
for _ in range(20):
    envs.step(envs.action_space.sample())
"""
ALL = {"GridWorld": {}, "CartPole": {}, "GlimpseMNIST": {}, "Go5x5": {"opponent": "mcts:8"}, "Hopper": {}}
ALL["AtariPong"] = {}


def test_environments_are_made_and_stepped_on_windows(elsewhere, cache):
    assert elsewhere("win32", "-c", STEP_ALL.format(names={"GridWorld": {}})) == (0, "", "")
    assert any(path.suffix == ".nbc" for path in cache.iterdir()), "compiled loops are kept"


@pytest.mark.slow
@PLATFORMS
def test_environments_of_every_family_are_made_and_stepped(platform, elsewhere):
    assert elsewhere(platform, "-c", STEP_ALL.format(names=ALL)) == (0, "", "")


@PLATFORMS
def test_a_table_is_trained(platform, elsewhere, tmp_path):
    code, out, err = elsewhere(platform, "train", "q-learning", "--steps", "2000", "--quiet", "--out", "agent")
    assert (code, err) == (0, "")
    assert (tmp_path / out.strip() / "submission.toml").is_file()


@pytest.mark.slow
@PLATFORMS
def test_a_network_is_trained_gone_on_with_and_trained_anew(platform, elsewhere):
    """The second time its checkpoint is read, the third time its files are replaced."""
    words = "train", "reinforce", "--task", "cart-pole", "--quiet", "--out", "agent", "--checkpoint-every-updates", "1"
    for more in ((), (), ("--no-resume",)):
        assert elsewhere(platform, *words, "--total-env-steps", "4000", *more)[::2] == (0, "")


@PLATFORMS
def test_a_game_is_played_recorded_and_watched_again(platform, elsewhere, tmp_path):
    code, _, err = elsewhere(
        platform, *("play", "CartPole", "--keys", "right*5"), *("--record", "film.png", "--trace", "a.trace")
    )
    assert (code, err) == (0, "wrote film.png\nwrote a.trace\n")
    code, out, _ = elsewhere(platform, "watch", "a.trace", "--no-window")
    assert code == 0
    assert "yes" in out


NEED_LINUX = [
    "evaluate random --task cart-pole",
    "watch random --task cart-pole --no-window",
    "check random --task cart-pole",
    "verify ROOT/results/grid-world@1",
]


@PLATFORMS
@pytest.mark.parametrize("words", NEED_LINUX)
def test_evaluation_says_in_a_line_that_it_needs_linux(platform, words, elsewhere):
    code, out, err = elsewhere(platform, *words.replace("ROOT", str(ROOT)).split())
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"error: agents are evaluated on Linux only (sealed memory, process groups); this is {platform}"
    ]


def test_go_programs_are_refused_on_windows(elsewhere):
    code = "import gymnasium, rlbench; gymnasium.make('rlbench/Go5x5-v0', opponent='gtp:cat').reset()"
    assert elsewhere("win32", "-c", code)[2].strip().endswith("they are played on Linux and macOS")


@pytest.mark.slow
@PLATFORMS
@pytest.mark.parametrize("words", ["list", "doctor", "show CartPole", "leaderboard --results ROOT/results --output x"])
def test_other_commands_have_no_fault(platform, words, elsewhere):
    code, _, err = elsewhere(platform, *words.replace("ROOT", str(ROOT)).split())
    assert code in (0, 1), err
    assert "Traceback" not in err


SEEN = """
import os, signal, sys, rlbench
module = type(sys)("rlbench.planted")
code = "import os, signal, sys\\nfound = [hasattr(os, 'getuid'), hasattr(signal, 'SIGKILL'), sys.platform]"
exec(code, module.__dict__)
assert module.found == [False, False, "win32"], module.found
try:
    exec("import fcntl", module.__dict__)
except ModuleNotFoundError:
    pass
else:
    raise AssertionError("fcntl")
assert hasattr(os, "getuid"), "others see Linux"
open("kept", "w").close()
with open("kept") as file:
    for call in (lambda: os.replace("kept", "other"), lambda: os.unlink("kept"), lambda: os.fsync(file)):
        try:
            call()
        except OSError:
            pass
        else:
            raise AssertionError(call)
try:
    open("a:b", "w")
except OSError:
    pass
else:
    raise AssertionError("a:b")
"""


def test_what_is_pretended_is_seen(elsewhere):
    assert elsewhere("win32", "-c", SEEN) == (0, "", "")
