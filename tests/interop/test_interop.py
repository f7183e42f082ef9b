"""What `rlbench.interop` imports, and what it says where a library is missing."""

import subprocess
import sys

import pytest

import rlbench.interop


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


def test_an_unknown_name_is_no_function():
    with pytest.raises(AttributeError, match="no attribute 'tianshou_env'"):
        rlbench.interop.tianshou_env  # noqa: B018  # looked up, not used
