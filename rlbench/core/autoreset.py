"""Autoreset of a batch: reset masks, the order of calls, and the `info` entries of episodes that ended.

Gymnasium's three modes say when an environment whose episode has ended begins the next one: NEXT_STEP in the next step,
whose action it ignores; SAME_STEP in the same step, which then returns what it reached as `final_obs`; DISABLED in a
`reset` whose `options["reset_mask"]` selects it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from rlbench.errors import ArgumentError, ArgumentTypeError, shortened

Bools = NDArray[np.bool_]


def check_reset_mask(mask: Any, num_envs: int, has_begun: bool) -> Bools:
    """The environments that a reset begins anew, bool[N]: those of the mask, or all where it is None.

    Args:
        mask: `options["reset_mask"]`, bool[N] or None.
        num_envs: N.
        has_begun: Whether all environments have been reset before, without which a mask makes no sense.

    Raises:
        ArgumentError: The mask has another shape or dtype, selects nothing, or comes before the first full reset.
    """
    if mask is None:
        return np.ones(num_envs, np.bool_)
    if not isinstance(mask, np.ndarray) or mask.shape != (num_envs,) or mask.dtype != np.bool_:
        raise ArgumentTypeError(f"reset_mask is a bool array of shape ({num_envs},), got {shortened(mask)}")
    if not has_begun:
        raise ArgumentError("reset_mask comes before the first full reset; call reset() without a mask first")
    if not mask.any():
        raise ArgumentError("reset_mask selects no environment; leave it out to reset all")
    return mask


def reset_needed(has_begun: bool, done: Bools) -> ResetNeeded:
    """The error of a step without the reset that it needs; `done`, bool[N], marks the episodes that have ended."""
    if not has_begun:
        return ResetNeeded("the episodes have not begun; call reset() before step()")
    ended = np.flatnonzero(done).tolist()
    return ResetNeeded(
        f"the episodes of environments {ended} have ended; reset them with options={{'reset_mask': ...}}"
    )


def with_masks(info: dict[str, Any], where: Bools) -> dict[str, Any]:
    """The entries, arrays [N, ...], and beside each its mask `_name`, bool[N]: the environments that have it."""
    return {**info, **{f"_{name}": where.copy() for name in info}}


def final_entries(final_obs: Any, info: dict[str, Any], ended: Bools) -> dict[str, Any]:
    """The `info` entries of a SAME_STEP step in which episodes ended.

    Args:
        final_obs: What the step reached before any reset, arrays [N, ...] of all environments.
        info: The entries of that step, masks included.
        ended: Whose episode ended, bool[N].
    """
    return {"final_obs": final_obs, "_final_obs": ended, "final_info": info, "_final_info": ended.copy()}
