"""A stage of the harness imports earlier stages only; `rlbench/harness/__init__.py` says in which order they come."""

import ast
import re
from pathlib import Path

import pytest

import rlbench.harness

HARNESS = Path(__file__).parents[2] / "rlbench" / "harness"
STAGES = tuple(re.findall(r"^    (\w+)  +\S", str(rlbench.harness.__doc__), re.MULTILINE))
RANKING = ("tasks", "ranking")
FILES = sorted(path for path in HARNESS.rglob("*.py") if "builtin" not in path.parts)


def stages_imported(path):
    """The stages of the harness that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name.split(".")[2] for name in names if name.startswith("rlbench.harness."))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HARNESS).as_posix())
def test_a_stage_imports_earlier_stages_only(path):
    stage = path.relative_to(HARNESS).parts[0].removesuffix(".py")
    order = RANKING if stage == "ranking" else STAGES
    allowed = set(order[: order.index(stage) + 1]) if stage != "__init__" else set()
    assert set(stages_imported(path)) - {"builtin"} <= allowed


def test_every_stage_is_in_the_order():
    assert {path.relative_to(HARNESS).parts[0].removesuffix(".py") for path in FILES} - {"__init__"} == set(STAGES)


def test_isolation_and_results_do_not_know_each_other():
    for one, other in (("isolation", "results"), ("results", "isolation")):
        for path in (HARNESS / one).glob("*.py"):
            assert other not in set(stages_imported(path)), path
