"""The examples of docs/interop.md run."""

import pytest

from tests.docs.pages import blocks

NEEDS = "stable_baselines3", "torchrl", "gymnasium"


@pytest.mark.filterwarnings("ignore")  # TorchRL warns of its own dependencies
@pytest.mark.parametrize("number", range(len(NEEDS)))
def test_an_example_runs(number):
    pytest.importorskip(NEEDS[number], reason="pip install 'rlbench[peers]'")
    examples = blocks("docs/interop.md", "python")
    assert len(examples) == len(NEEDS)
    names = {}
    exec(compile(examples[number], "docs/interop.md", "exec"), names)
    assert names["envs"].num_envs == 256 if number != 1 else names["steps"].shape == (256, 100)
