"""Trained agents as submissions: a folder of data alone, which the harness's own player plays.

`graph.json` holds the policy as a graph of layers, `weights.safetensors` its arrays, and `search.json` a search that
plays with it. `submission.toml` says whose the agent is and how it came about.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from baselines.files import write, writing
from baselines.nets.graph_builder import to_json
from baselines.nets.policy_graphs import policy_graph
from baselines.templates.policies import Policy, SearchPolicy
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
    training_device: str | None = None  # the model of a GPU; None for a CPU
    training_precision: str | None = None  # of training on a GPU
    version: str = VERSION
    device: str = "cpu"  # where the exported agent computes, wherever it was trained
    authors: tuple[str, ...] = ("rlbench",)


def export(policy: Policy, origin: Origin, folder: Path) -> Path:
    """Write the submission at `folder`, in place of an older one, and return it; never half of one."""
    contents = {}
    if isinstance(policy, SearchPolicy):
        graph, tensors, entry = policy.graph, policy.tensors(), SEARCH_ENTRY
        contents[SEARCH] = search_text(policy.game).encode()
    else:
        (graph, tensors), entry = policy_graph(policy), ENTRY
    contents[GRAPH] = (json.dumps(to_json(graph), indent=1) + "\n").encode()
    contents["submission.toml"] = manifest(origin, entry).encode()
    return _write(contents, tensors, folder)


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
        "training_device": origin.training_device,
        "training_precision": origin.training_precision,
        "device": origin.device,
    }
    return manifest_text(fields)
