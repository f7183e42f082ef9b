"""What a checkpoint holds of an object: the attributes that it names, each of every kind."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from baselines.stateful import Stateful


class Part(Stateful):
    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("count",)

    def __init__(self, count: int) -> None:
        self.count = count


class Whole(Stateful):
    CHECKPOINTED: ClassVar[tuple[str, ...]] = (
        *("number", "text", "nothing", "tree", "listed", "array", "tensor", "rng", "part", "absent"),
    )

    def __init__(self, seed: int) -> None:
        self.number, self.text, self.nothing = 0.5 + seed, f"text {seed}", None if seed else 1
        self.tree = {"a": [seed, {"b": np.full(2, seed)}]}
        self.listed = [float(seed)]
        self.array = np.arange(3) + seed
        self.tensor = torch.arange(3.0) + seed
        self.view = self.tensor[1:]
        self.rng = np.random.default_rng(seed)
        self.part, self.absent = Part(seed), None
        self.unnamed = seed


def plain(state: Any) -> Any:
    """A tree with lists in place of arrays, so that it can be compared."""
    if isinstance(state, dict):
        return {name: plain(child) for name, child in state.items()}
    if isinstance(state, list):
        return [plain(child) for child in state]
    return state.tolist() if isinstance(state, np.ndarray) else state


def test_round_trip_of_every_kind() -> None:
    one, other = Whole(7), Whole(0)
    part, rng, view = other.part, other.rng, other.view
    other.restore(one.state())
    assert plain(other.state()) == plain(one.state())
    assert other.part is part, "parts go on, they are not replaced"
    assert part.count == 7
    assert other.rng is rng
    assert rng.random() == np.random.default_rng(7).random()
    assert view.tolist() == [8.0, 9.0], "a view of a tensor stays one"
    assert (other.number, other.text, other.nothing, other.absent) == (7.5, "text 7", None, None)
    assert other.array.dtype == one.array.dtype


def test_unknown_attributes_are_neither_stored_nor_restored() -> None:
    one, other = Whole(7), Whole(0)
    assert {*one.state()} == {*Whole.CHECKPOINTED}
    other.restore({**one.state(), "unnamed": 9, "more": 1})
    assert other.unnamed == 0
    assert not hasattr(other, "more")


def test_a_state_is_a_copy() -> None:
    one = Whole(7)
    state = one.state()
    before = plain(state)
    one.array += 1
    one.tensor += 1
    one.part.count += 1
    one.rng.random()
    one.listed.append(1.0)
    one.tree["a"][1]["b"] += 1  # type: ignore[index]
    assert plain(state) == before


def test_what_was_restored_is_a_copy() -> None:
    state, one = Whole(7).state(), Whole(0)
    before = plain(state)
    one.restore(state)
    one.array += 1
    one.tensor += 1
    one.listed.append(1.0)
    assert plain(state) == before


def test_nothing_is_stored_of_what_names_nothing() -> None:
    assert Stateful().state() == {}
