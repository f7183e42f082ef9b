"""The untrained twin of an agent: what its training began with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from baselines.algorithms.alphazero import AlphaZero
from baselines.studies import untrained
from baselines.training import runner
from rlbench.errors import UserError
from rlbench.harness import submission
from tests.baselines.algorithms.test_alphazero import SMALL


def test_it_has_the_weights_that_training_begins_with(tmp_path: Path) -> None:
    settings = replace(SMALL, task="go5@1", seed=3, iterations=1)
    trained = runner.run("alphazero", settings, tmp_path / "run", quiet=True)
    options, out = untrained.Untrained(trained, seed=3, out=tmp_path / "new" / "untrained"), tmp_path / "new/untrained"
    for _ in range(2):  # it may be written again
        assert untrained.main(options) == 0
        learner = AlphaZero(settings)
        for name, tensor in safetensors.numpy.load_file(out / "weights.safetensors").items():
            np.testing.assert_array_equal(tensor, learner.policy().tensors()[name])
        learner.close()
    for name in ("graph.json", "search.json"):
        assert (out / name).read_bytes() == (trained / name).read_bytes()
    assert submission.read(out).name == "alphazero-untrained"


def test_nothing_else_is_replaced(tmp_path: Path) -> None:
    agent = Path("baselines/pretrained/go5@1/alphazero-s0").absolute()
    kept = tmp_path / "submission.toml"
    kept.write_text('name = "mine"\n', encoding="utf-8")
    with pytest.raises(UserError, match="holds something else, which would be replaced; give another --out"):
        untrained.main(untrained.Untrained(agent, out=tmp_path))
    assert kept.exists()


def test_an_agent_that_does_not_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no agent that searches"):
        untrained.main(untrained.Untrained(tmp_path, out=tmp_path / "out"))
