"""What `rlbench.interop` imports, and what it says where a library is missing."""

import subprocess
import sys

import pytest
from gymnasium.vector import AutoresetMode

import rlbench.interop
from rlbench.errors import UserError
from rlbench.interop.batches import batch


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8")


def test_other_libraries_are_imported_when_they_are_asked_for():
    heavy = ["torch", "stable_baselines3", "torchrl", "numba"]
    asked = "rlbench.interop.sb3_vec_env, rlbench.interop.torchrl_env"
    code = f"import sys, rlbench.interop; {asked}; print([name for name in {heavy} if name in sys.modules])"
    assert run(code).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("function", "package", "requirement"),
    [("sb3_vec_env", "stable_baselines3", "stable-baselines3>=2.4"), ("torchrl_env", "torchrl", "torchrl>=0.14")],
)
def test_a_missing_library_is_named_with_its_command(function, package, requirement):
    code = f"import sys; sys.modules[{package!r}] = None; import rlbench.interop as i; i.{function}('CartPole-v1')"
    last = run(code).stderr.strip().splitlines()[-1]
    assert last.startswith(f"gymnasium.error.DependencyNotInstalled: {package} is not installed")
    assert last.endswith(f'pip install "{requirement}"')


MISTAKES = {
    "a name": (
        ("rlbench/CartPol-v0",),
        {},
        "unknown environment 'rlbench/CartPol-v0'; did you mean rlbench/CartPole-v0",
    ),
    "no module": (("not_there:demo/Maze-v0",), {}, "cannot import not_there, which not_there:demo/Maze-v0 names"),
    "another id": (
        ("gymnasium:CartPol-v1",),
        {},
        "unknown environment 'CartPol-v1', which gymnasium does not register",
    ),
    "no id": ((3,), {}, "3 is no environment: give an id, its spec, or a batch"),
    "an argument": (
        ("rlbench/CartPole-v0",),
        {"lenght": 1},
        "unexpected keyword argument 'lenght'; did you mean length",
    ),
    "of others": (
        ("MountainCar-v0",),
        {"gravity": 1},
        "MountainCar-v0: TypeError: .*unexpected keyword argument 'gravity'",
    ),
    "of their batch": (
        ("CartPole-v1",),
        {"lenght": 1},
        "CartPole-v1: TypeError: .*unexpected keyword argument 'lenght'",
    ),
    "none": (("MountainCar-v0", 0), {}, "num_envs is a positive integer, got 0"),
    "half": (("rlbench/CartPole-v0", 1.5), {}, "num_envs is a positive integer, got 1.5"),
    "a mode": (("MountainCar-v0",), {"vectorization_mode": "fast"}, "MountainCar-v0: .*fast"),
}


@pytest.mark.parametrize("case", MISTAKES)
@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED])
def test_a_mistake_is_one_line(case, mode):
    """As of both functions, which make their batches here."""
    (what, *num_envs), arguments, message = MISTAKES[case]
    with pytest.raises(UserError, match=message) as raised:
        batch(what, *(num_envs or [2]), mode, arguments)
    assert "\n" not in str(raised.value)


WITHOUT = """
import importlib.abc, sys
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("mujoco", "pygame", "Box2D"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from gymnasium.vector import AutoresetMode
from rlbench.interop.batches import batch
for name in ("rlbench/Hopper-v0", "Hopper-v5", "LunarLander-v3"):
    try:
        batch(name, 2, AutoresetMode.SAME_STEP, {})
    except Exception as error:
        print(type(error).__name__, len(str(error).splitlines()))
"""


def test_a_package_that_the_environment_lacks_is_told_in_a_line():
    assert run(WITHOUT).stdout.splitlines() == ["DependencyNotInstalled 1"] * 3


def test_an_unknown_name_is_no_function():
    with pytest.raises(AttributeError, match="no attribute 'tianshou_env'"):
        rlbench.interop.tianshou_env  # noqa: B018  # looked up, not used
