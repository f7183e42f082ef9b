"""The checkpoint of a training run: one safetensors file that is whole or not there, and runs no code when read.

The arrays of a nested tree are stored as tensors under their path, and all else as JSON in the file's header, beside
the algorithm's name and its configuration. Pickle, torch.save's format, was rejected: reading one runs what it says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from baselines.files import write
from baselines.types import Tree
from rlbench.errors import UserError

SCHEMA = 2
MAX_SHOWN = 4  # differences between two sets of settings that an error names
ARRAY = "__array__"


def save(path: Path, algorithm: str, config: dict[str, Any], state: Tree) -> None:
    """Write a checkpoint of `algorithm` under `config` (plain JSON values)."""
    from safetensors.numpy import save as to_bytes

    arrays: dict[str, np.ndarray] = {}
    header = {"schema": SCHEMA, "algorithm": algorithm, "config": config, "state": _split(state, "", arrays)}
    write(path, to_bytes(arrays, {"rlbench": json.dumps(header)}))


def load(path: Path, algorithm: str, config: dict[str, Any]) -> Tree:
    """Read a checkpoint; UserError where it is another algorithm's or configuration's, or none at all."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            header = json.loads(file.metadata()["rlbench"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is not a checkpoint: {error}") from None
    if header.get("schema") != SCHEMA:
        raise UserError(f"{path} has schema {header.get('schema')}, this version reads {SCHEMA}")
    if header["algorithm"] != algorithm:
        raise UserError(f"{path} is a checkpoint of {header['algorithm']}, not of {algorithm}")
    if different := _difference(header["config"], config):
        ways = "--no-resume begins anew, --out keeps both"
        raise UserError(f"{path} was made with another configuration: {different}; {ways}")
    tree: Tree = _join(header["state"], arrays)
    return tree


def _difference(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    """The fields in which two configurations differ, in words; empty where there are none."""
    names = [name for name in sorted(theirs.keys() | ours.keys()) if theirs.get(name) != ours.get(name)]
    shown = [f"{name}={theirs.get(name)!r} there, {ours.get(name)!r} here" for name in names[:MAX_SHOWN]]
    more = [f"and {len(names) - MAX_SHOWN} more"] if len(names) > MAX_SHOWN else []
    return ", ".join(shown + more)


def _split(node: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """The tree with its arrays moved to `arrays`, each leaving its path behind."""
    if isinstance(node, np.ndarray):
        arrays[path] = np.ascontiguousarray(node)
        return {ARRAY: path}
    if isinstance(node, dict):
        return {name: _split(child, f"{path}/{name}", arrays) for name, child in node.items()}
    if isinstance(node, list):
        return [_split(child, f"{path}/{i}", arrays) for i, child in enumerate(node)]
    return node


def _join(node: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The tree that `_split` took apart."""
    if isinstance(node, dict):
        if ARRAY in node:
            return arrays[node[ARRAY]]
        return {name: _join(child, arrays) for name, child in node.items()}
    if isinstance(node, list):
        return [_join(child, arrays) for child in node]
    return node
