"""The names of the package: lazy, listed, and the same for type checkers as at run time."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rlbench


def names_for_checkers():
    """Name -> module, as `rlbench/__init__.py` imports it for type checkers."""
    tree = ast.parse(Path(rlbench.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    return {alias.name: node.module for node in block.body for alias in node.names}


def test_type_checkers_see_the_names_that_are_there():
    assert names_for_checkers() == rlbench._LAZY
    for name, module in rlbench._LAZY.items():
        assert getattr(rlbench, name).__module__ == module


def test_all_names_are_listed():
    assert {"evaluate", "load_results", "UserError"} <= {*rlbench.__all__} <= {*dir(rlbench)}
    assert rlbench._LAZY.keys() <= {*rlbench.__all__}
    assert rlbench.__all__ == sorted(rlbench.__all__)


def test_an_unknown_name_is_said_as_python_says_it():
    with pytest.raises(AttributeError, match="module 'rlbench' has no attribute 'evalute'"):
        _ = rlbench.evalute
    with pytest.raises(ImportError, match="cannot import name 'evalute'"):
        exec("from rlbench import evalute")


SCRIPT = """
import rlbench

run = rlbench.evaluate("random", "cart-pole")
reveal_type(run)
reveal_type(rlbench.evaluate("random", ["cart-pole", "grid-world"]))
reveal_type(run.mean)
reveal_type(rlbench.load_results("results"))
reveal_type(rlbench.train("dqn", seed=3).submission)
reveal_type(rlbench.watch("random", "cart-pole").episodes)
rlbench.evaluate("random", "cart-pole", result="results")
"""
REVEALED = ("Run", "list[rlbench.api.run.Run]", "float", "DataFrame", "Path", "DataFrame")


@pytest.mark.slow
def test_mypy_types_a_script_that_uses_them(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(tmp_path / "script.py")]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    notes = [line for line in done.stdout.splitlines() if "script.py" in line]
    assert [type_ in note for type_, note in zip(REVEALED, notes, strict=False)] == [True] * len(REVEALED), done.stdout
    errors = [line for line in notes if ": error: " in line]
    assert 'Unexpected keyword argument "result"' in errors[0]
    assert {line.split(":")[1] for line in errors} == {str(SCRIPT.count("\n"))}, "the last line alone"
