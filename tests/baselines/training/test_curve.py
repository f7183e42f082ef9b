"""Learning curves: what is written is read, whatever was torn or damaged, and no other file is taken for one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.algorithms.q_learning import QLearningSettings
from baselines.training import curve
from baselines.training.events import Evaluated, Event, Progress
from rlbench.errors import UserError

FIRST = curve.head("q-learning", QLearningSettings(seed=3), "cpu")
NUMBERS, COUNTS, SECONDS = st.floats(-1e12, 1e12), st.integers(0, 2**40), st.floats(0, 1e9)
METRICS = st.dictionaries(st.just("loss"), NUMBERS, max_size=1)
RETURNS = st.lists(NUMBERS, min_size=1, max_size=4).map(tuple)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Progress, COUNTS, COUNTS, SECONDS, st.floats(0, 1), METRICS),
    st.builds(Evaluated, COUNTS, COUNTS, SECONDS, RETURNS, st.booleans()),
)


def written(path: Path, events: list[Event]) -> list[dict[str, Any]]:
    """A curve of these events, and its entries."""
    curve.begin(path, FIRST)
    with curve.appended(path) as watch:
        for event in events:
            watch(event)
    return curve.read(path)


@given(events=st.lists(EVENTS, max_size=6))
def test_what_is_written_is_read(events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("run") / "curve.jsonl"
    head, *entries = written(path, events)
    assert head == FIRST
    for event, entry in zip(events, entries, strict=True):
        assert (entry["update"], entry["steps"]) == (event.update, event.steps)
        if isinstance(event, Evaluated):
            assert (entry["mean"], tuple(entry["returns"]), entry["best"]) == (event.mean, event.returns, event.best)
        elif isinstance(event, Progress):
            assert entry.items() >= event.metrics.items()


SOME: list[Event] = [Progress(i, 10 * i, float(i), 0.1 * i, {"loss": 1.0}) for i in range(1, 5)]


@pytest.mark.parametrize("lost", range(1, 60))
def test_a_torn_last_line_is_left_out(lost: int, tmp_path: Path) -> None:
    """As of a run that was killed, or that is being written; it goes on from its snapshot at update 2."""
    path = tmp_path / "curve.jsonl"
    whole = written(path, SOME)
    path.write_bytes(path.read_bytes()[:-lost])
    assert curve.read(path) == whole[: 5 if lost == 1 else 4]
    curve.cut(path, FIRST, 2)
    assert curve.read(path) == whole[:3]


DAMAGED = [
    b"",
    b"\x00" * 20,
    b"\xff\xfe",
    b"3\n",
    b"[]\n",
    b"{}\n",
    b'{"event": 1}\n',
    b"[" * 10_000,
    b'{"update": "x"}\n',
]


@pytest.mark.parametrize("data", DAMAGED, ids=lambda data: repr(data[:10]))
def test_what_is_no_curve_is_told_in_one_line_and_begun_anew(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "curve.jsonl"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"curve\.jsonl is n") as error:
        curve.read(path)
    assert "\n" not in str(error.value)
    curve.cut(path, FIRST, 2)
    assert curve.read(path) == [FIRST]


def test_damage_in_the_middle_is_told_and_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "curve.jsonl"
    whole = written(path, SOME)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b'{"event": "progress", "update": -1}\n', *lines[2:]]))
    with pytest.raises(UserError, match=r"update is -1 in line 3; train again, or leave it out"):
        curve.read(path)
    curve.cut(path, FIRST, 4)
    assert curve.read(path) == whole[:2]


def test_the_curve_of_another_run_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "curve.jsonl"
    written(path, SOME)
    other = {**FIRST, "seed": 4}
    curve.cut(path, other, 4)
    assert curve.read(path) == [other]
    path.unlink()
    curve.cut(path, other, 4)
    assert curve.read(path) == [other]


def test_a_curve_that_goes_on_elsewhere_names_both_devices(tmp_path: Path) -> None:
    path = tmp_path / "curve.jsonl"
    whole = written(path, SOME)
    for device, named in (("b", "cpu; b"), ("cpu", "cpu; b"), ("c", "cpu; b; c")):
        curve.cut(path, {**FIRST, "device": device}, 4)
        assert curve.read(path) == [{**FIRST, "device": named}, *whole[1:]]
