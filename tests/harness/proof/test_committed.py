"""The actions that are committed beside records prove these without a submission."""

import shutil
import sys
from pathlib import Path

import pytest

from rlbench.harness.proof import findings, kept_actions
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task
from rlbench.harness.verify import verify

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="actions are re-simulated on Linux only")
RESULTS = Path(__file__).parents[3] / "results"
KEPT = [path.with_suffix(".jsonl") for path in sorted(RESULTS.glob(f"*@*/*{kept_actions.SUFFIX}"))]
TASKS = sorted({path.parent.name for path in KEPT})
MAX_BYTES = 1_000_000


def name_of(path):
    return f"{path.parent.name}/{path.stem}"


def test_they_are_whole_small_and_those_of_their_records():
    assert {"cart-pole@1", "grid-world@1"} <= set(TASKS)
    for path in KEPT:
        assert kept_actions.path_of(path).stat().st_size < MAX_BYTES
        if path.parent.name in ("cart-pole@1", "grid-world@1"):
            run, kept = record.read(path), kept_actions.read(path)
            assert len(kept) == len(run.blocks), path
            assert kept_actions.not_of(run, kept) is None, path


def proved(path, folder, blocks=None):
    """What a re-simulation of the kept actions says of a copy of a record, whose submission nobody has."""
    here = folder / path.parent.name / path.name
    here.parent.mkdir(parents=True)
    shutil.copy(path, here)
    shutil.copy(kept_actions.path_of(path), kept_actions.path_of(here))
    found = verify(here, get_task(path.parent.name), None, blocks, quiet=True)
    return found, findings.state(record.read(here), found)


@pytest.mark.parametrize("task", ["cart-pole@1", "grid-world@1"])
def test_a_record_is_proved_without_its_submission(task, tmp_path):
    found, state = proved(next(path for path in KEPT if path.parent.name == task), tmp_path)
    assert (state, found.different, found.unsound) == ("verified", {}, {})


@pytest.mark.slow
@pytest.mark.parametrize("path", KEPT, ids=map(name_of, KEPT))
def test_every_record_is_proved_without_its_submission(path, tmp_path):
    found, state = proved(path, tmp_path)
    assert (found.unsound, found.lacking) == ({}, None)
    assert state == "verified"
    assert kept_actions.not_of(record.read(path), kept_actions.read(path)) is None
