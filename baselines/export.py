"""Trained agents as submissions: a folder that stands alone, without rlbench, baselines or torch.

`export` copies the template that defines the policy's class as `agent.py`, beside `policy.json` and
`weights.safetensors`. `export_layers` writes data only, `graph.json` and `weights.safetensors`, for the harness's
player, and `export_search` beside these `search.json`. `submission.toml` says whose the agent is and how it came about.
"""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from baselines.files import write, writing
from baselines.templates.policies import GraphPolicy, Policy, SearchPolicy
from rlbench.errors import UserError
from rlbench.harness.layers.player import ENTRY, GRAPH, WEIGHTS
from rlbench.harness.manifest import manifest_text
from rlbench.search.files import ENTRY as SEARCH_ENTRY
from rlbench.search.files import SEARCH, search_text

VERSION = "1"


@dataclass(frozen=True)
class Origin:
    """Where a trained agent comes from: what `submission.toml` says of it."""

    name: str
    tasks: tuple[str, ...]  # none where it was trained on an environment that is no task
    training_seed: int
    training_steps: int
    version: str = VERSION
    device: str = "cpu"  # where the exported agent computes, wherever it was trained
    authors: tuple[str, ...] = ("rlbench",)


def export(policy: Policy, origin: Origin, folder: Path) -> Path:
    """Write the submission with its code at `folder`, in place of an older one, and return it; never half of one.

    A policy without a template, one of a graph of layers, is written as data only.
    """
    if isinstance(policy, GraphPolicy):
        return export_layers(policy, origin, folder)
    if isinstance(policy, SearchPolicy):
        return export_search(policy, origin, folder)
    contents = {
        "agent.py": Path(inspect.getfile(type(policy))).read_bytes(),
        "policy.json": (json.dumps(policy.settings(), indent=1) + "\n").encode(),
        "submission.toml": manifest(origin, "agent:load").encode(),
    }
    return _write(contents, policy.tensors(), folder)


def export_layers(policy: Policy, origin: Origin, folder: Path) -> Path:
    """Write the submission as data only at `folder`, in place of an older one, and return it; never half of one."""
    from baselines.nets.graph import to_json  # which imports torch; tables are trained and exported without it
    from baselines.nets.policy_graphs import policy_graph

    graph, tensors = policy_graph(policy)
    contents = {
        GRAPH: (json.dumps(to_json(graph), indent=1) + "\n").encode(),
        "submission.toml": manifest(origin, ENTRY).encode(),
    }
    return _write(contents, tensors, folder)


def export_search(policy: SearchPolicy, origin: Origin, folder: Path) -> Path:
    """Write a network and the search that plays it as data only at `folder`, like `export_layers`."""
    from baselines.nets.graph import to_json

    contents = {
        GRAPH: (json.dumps(to_json(policy.graph), indent=1) + "\n").encode(),
        SEARCH: search_text(policy.game).encode(),
        "submission.toml": manifest(origin, SEARCH_ENTRY).encode(),
    }
    return _write(contents, policy.tensors(), folder)


def _write(contents: Mapping[str, bytes], tensors: Mapping[str, NDArray[Any]], folder: Path) -> Path:
    """A folder of these files and a file of weights, whole or not at all."""
    from safetensors.numpy import save  # of the extra `baselines`; training names that where it is missing

    fresh = folder.with_name(folder.name + ".new")
    with writing(folder):
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        try:
            for name, data in contents.items():
                write(fresh / name, data)
            write(fresh / WEIGHTS, save(dict(tensors)))
        except UserError:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    return folder


def manifest(origin: Origin, entry: str) -> str:
    """The text of `submission.toml`."""
    fields = {
        "name": origin.name,
        "version": origin.version,
        "authors": list(origin.authors),
        "tasks": list(origin.tasks),
        "entry": entry,
        "training_seed": origin.training_seed,
        "training_steps": origin.training_steps,
        "device": origin.device,
    }
    return manifest_text(fields)
