"""What a training ends in: a policy that one of the two agent templates defines, from arrays and back."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from baselines import agent_template, pixel_agent_template
from baselines.pixel_agent_template import Convolutional

Policy = agent_template.Policy | Convolutional


def policy(settings: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Policy:
    """The policy that `settings()` and `tensors()` described."""
    template = pixel_agent_template if settings["kind"] == Convolutional.kind else agent_template
    return template.policy(settings, tensors)
