"""The comparison of recurrent attention with what does not attend, on images that a test can afford."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pandas as pd
import pytest
import torch

from baselines.algorithms import recurrent_attention
from baselines.nets.recurrent_attention import multiply_accumulates
from baselines.studies import convolution, glimpse_ablation
from rlbench.errors import UserError
from rlbench.registry import GLIMPSE

BARS = "test/GlimpseBars-v0"


@pytest.fixture(autouse=True)
def bars(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """20x20 images of a horizontal or a vertical bar, at random places."""
    rng, images, labels = np.random.default_rng(0), np.zeros((300, 20, 20), np.uint8), np.arange(300) % 2
    for image, label, at in zip(images, labels, rng.integers(20, size=300), strict=True):
        (image if label else image.T)[at] = 255
    kwargs = {"rules": GLIMPSE, "images": images, "labels": labels, "classes": 2, "patch": 8, "glimpses": 5}
    entries = {"entry_point": "rlbench.core.env:RulesEnv", "vector_entry_point": "rlbench.core.vector:RulesVectorEnv"}
    gymnasium.register(BARS, kwargs=kwargs, **entries)  # type: ignore[arg-type]
    small = replace(recurrent_attention.RecurrentAttentionSettings(), task=BARS, batch_size=64, width=16, state=32)
    monkeypatch.setitem(recurrent_attention.PRESETS, "bars", small)
    yield
    del gymnasium.registry[BARS]


def test_the_whole_image_is_seen() -> None:
    seen = convolution.whole_images(BARS, "train", 4)
    params = seen.env.unwrapped.params  # type: ignore[attr-defined]
    pictures, label = seen.batch(np.array([3, 0, 7, 3]))
    np.testing.assert_array_equal(pictures[:, 0].numpy(), params.images[[3, 0, 7, 3]] / np.float32(255))
    assert label.tolist() == [1, 0, 1, 1]


def test_a_convolutional_network_tells_bars_apart() -> None:
    network = convolution.train(BARS, epochs=12, seed=0, batch=32, learning_rate=5e-3)
    assert convolution.errors(network, convolution.whole_images(BARS, "test", 100)) == (0, 300)


def test_multiplications_of_the_convolutional_network() -> None:
    """60x60 pixels: 11x11 places of 8 filters of 10x10, then 968 -> 256 -> 10."""
    network = convolution.network(60, 10)
    count = multiply_accumulates(network, lambda: network(torch.zeros(1, 1, 60, 60)))
    assert count == 11 * 11 * 8 * 100 + 968 * 256 + 256 * 10


def test_table_and_picture_and_going_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("learned", "random", "convolutional")
    options = glimpse_ablation.GlimpseAblation(names, "bars", epochs=1, out=tmp_path / "runs", results=tmp_path)
    glimpse_ablation.main(replace(options, models=names[:1]))
    glimpse_ablation.main(options)
    shown = capsys.readouterr()
    assert shown.err.count("learned, seed 0") == 1, "trained once, then kept"
    frame = pd.read_csv(tmp_path / "glimpse_ablation.csv")
    assert [*zip(frame["model"], frame["glimpses"], strict=True)] == [
        *(("learned", t) for t in (2, 4, 5)),
        *(("random", t) for t in (2, 4, 5)),
        ("convolutional", 0),
    ]
    assert (frame["images"] == 300).all()
    assert (frame["low"] <= frame["error"]).all()
    assert (frame["error"] <= frame["high"]).all()
    assert frame["multiplications"][:3].is_monotonic_increasing
    assert shown.out.splitlines()[-7].startswith("| learned, 2 glimpses |")
    assert (tmp_path / "glimpse_ablation.png").stat().st_size > 10_000


def test_an_interrupted_run_goes_on_from_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the first of two epochs, the second run plays only the other, and ends with the same rows."""
    options = glimpse_ablation.GlimpseAblation(("learned",), "bars", epochs=2, out=tmp_path / "runs", results=tmp_path)
    frequent = replace(recurrent_attention.PRESETS["bars"], checkpoint_every_epochs=1)
    monkeypatch.setitem(recurrent_attention.PRESETS, "bars", frequent)
    whole = glimpse_ablation.rows(replace(options, out=tmp_path / "whole"), tmp_path / "whole.csv")
    learner_type = recurrent_attention.RecurrentAttentionLearner
    epoch, played = learner_type.iterate, []

    def dies(learner: recurrent_attention.RecurrentAttentionLearner) -> None:
        if len(played) == 1:
            raise KeyboardInterrupt
        played.append(learner)
        epoch(learner)

    monkeypatch.setattr(learner_type, "iterate", dies)
    with pytest.raises(KeyboardInterrupt):
        glimpse_ablation.main(options)
    assert not (tmp_path / "glimpse_ablation.csv").exists()
    monkeypatch.setattr(learner_type, "iterate", lambda learner: (played.append(learner), epoch(learner)))
    pd.testing.assert_frame_equal(glimpse_ablation.rows(options, tmp_path / "glimpse_ablation.csv"), whole)
    assert len(played) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": ("learnt",)}, "unknown model 'learnt'"),
        ({"preset": "bar"}, "unknown preset 'bar'; did you mean bars"),
        ({"epochs": 0}, "epochs must be"),
    ],
)
def test_bad_options(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        glimpse_ablation.main(replace(glimpse_ablation.GlimpseAblation(), **change))
