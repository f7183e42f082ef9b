"""Steps of optimisers and schedules: by hand, and as PyTorch has them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.maths import optimisation


@pytest.mark.parametrize(("step", "epsilon"), [(0, 1.0), (25, 0.775), (100, 0.1), (1000, 0.1)])
def test_linear_schedule(step: int, epsilon: float) -> None:
    assert optimisation.linear_schedule(step, 1.0, 0.1, 100) == pytest.approx(epsilon)


def test_schedule_of_no_length_is_over() -> None:
    assert optimisation.linear_schedule(0, 1.0, 0.1, 0) == 0.1


def test_cosine_schedule() -> None:
    assert [optimisation.cosine_schedule(step, 2.0, 4) for step in (0, 2, 4, 9)] == pytest.approx([2.0, 1.0, 0.0, 0.0])
    assert optimisation.cosine_schedule(1, 2.0, 4) == pytest.approx(1 + np.sqrt(0.5))


def test_warm_restarts() -> None:
    """Two cycles of four steps; a single one is the schedule without restarts, bit for bit, as torch's has it."""
    cycle = [optimisation.cosine_schedule(step, 2.0, 4) for step in range(4)]
    assert [optimisation.warm_restarts(step, 2.0, 8, 2) for step in range(8)] == pytest.approx(2 * cycle)
    assert [optimisation.warm_restarts(step, 0.3, 7, 1) for step in range(7)] == [
        optimisation.cosine_schedule(step, 0.3, 7) for step in range(7)
    ]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=5)
    for step in range(15):
        assert optimisation.warm_restarts(step, 0.1, 15, 3) == pytest.approx(theirs.get_last_lr()[0])
        assert optimisation.warm_restarts(torch.tensor(float(step)), 0.1, 15, 3).item() == pytest.approx(
            theirs.get_last_lr()[0]
        )
        optimizer.step()
        theirs.step()


def test_first_adam_step_has_the_length_alpha() -> None:
    theta, m, v = torch.zeros(2), torch.zeros(2), torch.zeros(2)
    optimisation.adam_step(theta, torch.tensor([3.0, -0.01]), m, v, 1, 0.1)
    np.testing.assert_allclose(theta.numpy(), [-0.1, 0.1], rtol=1e-5)
    np.testing.assert_allclose(m.numpy(), [0.3, -0.001], rtol=1e-5)
    np.testing.assert_allclose(v.numpy(), [0.009, 1e-7], rtol=1e-4)


def test_clip_norm() -> None:
    g = torch.tensor([3.0, 4.0])
    assert optimisation.clip_norm(g, 1.0).item() == 5.0
    np.testing.assert_allclose(g.numpy(), [0.6, 0.8], rtol=1e-5)
    assert optimisation.clip_norm(g, 10.0).item() == pytest.approx(1.0)
    np.testing.assert_allclose(g.numpy(), [0.6, 0.8], rtol=1e-5)
