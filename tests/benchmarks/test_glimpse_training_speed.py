"""Seconds that an epoch of recurrent attention takes, as a whole, beside the multiplications that it cannot do without.

The peer is the bare arithmetic of the same epoch: every matrix product of the forward and the backward pass, of the
same shapes, in PyTorch on as many threads, and nothing else.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from baselines import recurrent_attention
from baselines.attention_learner import Learner, make_learner
from baselines.recurrent_attention import PRESETS

EPOCH = 60_000
BATCHES = 40


def products(learner: Learner) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Inputs [B, in], weights [out, in] and outputs [B, out] of every linear layer, for one glimpse."""
    layers = [m for m in learner.network.modules() if isinstance(m, torch.nn.Linear)]
    shapes = [tuple(layer.weight.shape) for layer in layers]
    batch = learner.config.batch
    return [(torch.randn(batch, i), torch.randn(o, i), torch.randn(batch, o)) for o, i in shapes]


def multiply(matrices: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]], glimpses: int) -> None:
    """Forward, gradient of the input, gradient of the weight."""
    for _ in range(glimpses):
        for x, w, y in matrices:
            torch.mm(x, w.T), torch.mm(y, w), torch.mm(y.T, x)


@pytest.mark.slow
def test_an_epoch_takes_little_longer_than_its_matrix_products(compare: Any) -> None:
    learner = make_learner(replace(PRESETS["mnist"], task="rlbench/GlimpseMNIST-v0", threads=2))
    learner.env.reset(seed=0)
    images = np.arange(learner.config.batch)
    matrices = products(learner)

    def ours() -> None:
        for i in range(BATCHES):
            recurrent_attention.update(learner, (images + i * len(images)) % learner.images)

    def peer() -> None:
        for _ in range(BATCHES):
            multiply(matrices, learner.glimpses)

    ratio = compare("an epoch against its matrix products", ours, peer, rounds=7)
    began = time.perf_counter()
    ours()
    seconds = (time.perf_counter() - began) * EPOCH / (BATCHES * learner.config.batch)
    print(f"an epoch of {EPOCH:,} images: {seconds:.1f} s on {torch.get_num_threads()} threads")
    assert ratio >= 0.4
