"""Checkpoints: what goes in comes out, and what is not one is told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from baselines.training import checkpoint
from rlbench.errors import UserError

CONFIG = {"seed": 0, "gamma": 0.99}


def test_round_trip(tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    state = {
        "weights": [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([2**62], np.int64)],
        "rng": generator.bit_generator.state,  # integers of 128 bits
        "best": float("-inf"),
        "none": None,
        "nested": {"mask": np.array([True, False]), "empty": {}},
    }
    checkpoint.save(tmp_path / "c", "dqn", CONFIG, state)
    loaded = checkpoint.load(tmp_path / "c", "dqn", CONFIG)
    np.testing.assert_array_equal(loaded["weights"][0], state["weights"][0])
    np.testing.assert_array_equal(loaded["weights"][1], state["weights"][1])
    np.testing.assert_array_equal(loaded["nested"]["mask"], [True, False])
    assert loaded["weights"][0].dtype == np.float32
    assert (loaded["best"], loaded["none"], loaded["nested"]["empty"]) == (float("-inf"), None, {})
    other = np.random.default_rng(0)
    other.bit_generator.state = loaded["rng"]
    assert other.random() == generator.random()
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_another_algorithm(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c", "q-learning", CONFIG, {})
    with pytest.raises(UserError, match="is a checkpoint of q-learning, not of dqn"):
        checkpoint.load(tmp_path / "c", "dqn", CONFIG)


def test_another_configuration(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c", "dqn", CONFIG, {})
    with pytest.raises(UserError, match=r"another configuration: gamma=0\.99 there, 0\.9 here"):
        checkpoint.load(tmp_path / "c", "dqn", {"seed": 0, "gamma": 0.9})


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x00" * 100])
def test_not_a_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(UserError, match="is not a checkpoint"):
        checkpoint.load(tmp_path / "c", "dqn", CONFIG)


def test_a_torn_checkpoint(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c", "dqn", CONFIG, {"weights": np.zeros(100)})
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes()[:-10])
    with pytest.raises(UserError, match="is not a checkpoint"):
        checkpoint.load(tmp_path / "c", "dqn", CONFIG)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c"
    checkpoint.save(path, "dqn", CONFIG, {"step": 1})

    def power_cut(*_: object) -> None:
        raise OSError("power cut")

    monkeypatch.setattr("os.fsync", power_cut)
    with pytest.raises(UserError, match=r"cannot write .*: power cut"):
        checkpoint.save(path, "dqn", CONFIG, {"step": 2})
    assert checkpoint.load(path, "dqn", CONFIG) == {"step": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["c"]


def test_damage_anywhere_is_told_in_one_line(tmp_path: Path) -> None:
    """Whichever byte of the file is changed, a weight's or the header's: it is met, or means nothing, as a blank."""
    path = tmp_path / "c"
    checkpoint.save(path, "dqn", CONFIG, {"weights": np.arange(16.0), "update": 3})
    whole, messages = path.read_bytes(), []
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            loaded = checkpoint.load(path, "dqn", CONFIG)
        except UserError as error:
            messages.append(str(error))
            continue
        assert loaded["update"] == 3
        np.testing.assert_array_equal(loaded["weights"], np.arange(16.0))
    assert len(messages) > len(whole) - 10
    assert "\n" not in "".join(messages)


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    with pytest.raises(UserError, match="checkpoint"):
        checkpoint.load(tmp_path / "c", "dqn", CONFIG)
