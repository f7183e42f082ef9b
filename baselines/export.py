"""A trained agent as a submission: a folder that stands alone, without rlbench, baselines or torch.

`agent.py` is a copy of the template that defines the policy's class;
`policy.json` and `weights.safetensors` are the policy; `submission.toml` says whose it is and how it came about.
"""

from __future__ import annotations

import inspect
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from baselines.templates.policies import Policy
from baselines.training.checkpoint import write

VERSION = "1"


@dataclass(frozen=True)
class Origin:
    """Where a trained agent comes from: what `submission.toml` says of it."""

    name: str
    tasks: tuple[str, ...]
    training_seed: int
    training_steps: int
    version: str = VERSION
    device: str = "cpu"  # where the exported agent computes, wherever it was trained
    authors: tuple[str, ...] = ("rlbench",)


def export(policy: Policy, origin: Origin, folder: Path) -> Path:
    """Write the submission at `folder`, in place of an older one, and return it; never half of one."""
    from safetensors.numpy import save

    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    write(fresh / "agent.py", Path(inspect.getfile(type(policy))).read_bytes())
    write(fresh / "policy.json", (json.dumps(policy.settings(), indent=1) + "\n").encode())
    write(fresh / "weights.safetensors", save(policy.tensors()))
    write(fresh / "submission.toml", manifest(origin).encode())
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return folder


def manifest(origin: Origin) -> str:
    """The text of `submission.toml`. JSON's strings, numbers and flat lists are TOML's as well."""
    fields = {
        "name": origin.name,
        "version": origin.version,
        "authors": list(origin.authors),
        "tasks": list(origin.tasks),
        "entry": "agent:load",
        "training_seed": origin.training_seed,
        "training_steps": origin.training_steps,
        "device": origin.device,
    }
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items())
