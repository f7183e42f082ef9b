"""Two folders of results to merge."""

import pytest

from rlbench.harness.results import curves, record
from tests.commands.merge.folders import CURVE
from tests.forgeries.conftest import write_run


@pytest.fixture
def theirs(tmp_path):
    """Another folder: two runs, what was found about one, and a learning curve."""
    folder = tmp_path / "theirs"
    first, _ = (write_run(folder, "dqn", seed, 100 + seed) for seed in range(2))
    first.with_suffix(record.VERIFICATION).write_text('{"kind": "verification"}\n', encoding="utf-8")
    kept = folder / curves.FOLDER / "cart-pole@1" / "dqn-s0.csv"
    kept.parent.mkdir(parents=True)
    kept.write_text(CURVE, encoding="utf-8")
    return folder


@pytest.fixture
def mine(tmp_path):
    """The folder that is merged into, with a run of its own."""
    write_run(tmp_path / "mine", "dqn", 2, 102)
    return tmp_path / "mine"
