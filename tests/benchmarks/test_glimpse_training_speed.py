"""Seconds that an epoch of recurrent attention takes as a whole, over those of its network alone.

The epoch is the training's own: the order of the images, the environment, displacement, locations drawn, losses,
backward, Adam. The peer is the bare network on the very same glimpses: forward through every box that the epoch uses,
and backward from gradients that are there already, on as many threads, with no loss, no environment and no optimiser.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from baselines.algorithms.recurrent_attention import PRESETS, RecurrentAttentionLearner

BATCHES, SHORT_BATCHES = 40, 2  # of an epoch as short as a benchmark may be
MOST = 12 / 7  # seconds of 28x28 images and 6 glimpses on two cores, over the 7 of the network at batch 128

Glimpses = list[tuple[torch.Tensor, torch.Tensor]]  # rho_t[B, D] and l_t[B, 2]


def glimpses_of(learner: RecurrentAttentionLearner) -> list[Glimpses]:
    """What the network sees in an epoch, batch by batch."""
    seen: Glimpses = []
    hook = learner.model.network.glimpse_network.register_forward_hook(lambda _, inputs, __: seen.append(inputs))
    learner.iterate()
    hook.remove()
    return [seen[i : i + learner.num_glimpses] for i in range(0, len(seen), learner.num_glimpses)]


def forward(learner: RecurrentAttentionLearner, seen: Glimpses) -> list[torch.Tensor]:
    """What the boxes give after the glimpses of one batch: means of locations, logits, baselines."""
    network, h, states = learner.model.network, None, []
    means = []
    for t, (rho_t, l_t) in enumerate(seen):
        h = network.look(h, rho_t, l_t)
        states.append(h)
        if t < len(seen) - 1:
            means.append(network.location_network(h.detach()))
    return [*means, network.action_network(h), network.baseline(torch.stack(states[:-1]).detach())]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.benchmark(group="Recurrent attention")
def test_an_epoch_takes_little_longer_than_its_network(threads: int, compare: Any, size: Any) -> None:
    learner = RecurrentAttentionLearner(replace(PRESETS["mnist"], device="cpu", threads=size(threads, 1)))
    count = size(BATCHES, SHORT_BATCHES)
    learner.images = count * learner.settings.batch_size
    learner.updates_per_epoch = count
    batches = glimpses_of(learner)
    assert [len(batch) for batch in batches] == [6] * count
    gradients = [torch.ones_like(output) for output in forward(learner, batches[0])]

    def network() -> None:
        for batch in batches:
            torch.autograd.backward(forward(learner, batch), gradients)
        learner.model.flat.grad.zero_()

    compare(
        f"an epoch of 28x28 images, 6 glimpses, {threads} thread{'s' * (threads > 1)}",
        "forward and backward of its bare network",
        learner.iterate,
        network,
        least=1 / MOST,
        limit="the arithmetic of the network",
    )
