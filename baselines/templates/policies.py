"""Policies that can be exported, and how they are read back from settings and arrays."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from baselines.templates import agent_template, glimpse_template, pixel_agent_template
from baselines.templates.glimpse_template import RecurrentAttention
from baselines.templates.pixel_agent_template import Convolutional

Policy = agent_template.Policy | Convolutional | RecurrentAttention

TEMPLATES = {Convolutional.kind: pixel_agent_template, RecurrentAttention.kind: glimpse_template}
"""The file that defines a kind of policy; `agent_template.py` defines the others."""


def policy(settings: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Policy:
    """The policy that `settings()` and `tensors()` described."""
    rebuilt: Policy = TEMPLATES.get(settings["kind"], agent_template).policy(settings, tensors)  # type: ignore[attr-defined]
    return rebuilt
