"""The page about glimpses says what the code does."""

import inspect
from pathlib import Path

import gymnasium

import rlbench
from rlbench.envs.glimpse.rules import configure

PAGE = (Path(rlbench.__file__).parent / "envs/glimpse/README.md").read_text(encoding="utf-8")


def test_the_table_of_arguments_is_the_ids_defaults():
    table = [line.strip("|") for line in PAGE.splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.split("|")] for line in table)
    parameters = inspect.signature(configure).parameters
    assert [row[0].strip("`") for row in rows] == list(parameters)
    for column, name in enumerate(head[2:], start=2):
        defaults = {key: each.default for key, each in parameters.items()}
        defaults |= gymnasium.spec(f"rlbench/Glimpse{name}-v0").kwargs
        assert [row[column] for row in rows] == [str(defaults[key]) for key in parameters]


def test_the_example_runs():
    exec(PAGE.split("```python\n")[1].split("```")[0], {})
