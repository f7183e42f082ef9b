"""The checkpoint of a training run: one safetensors file that is whole or not there, and runs no code when read.

The arrays of a nested tree are stored as tensors under their path, and all else as JSON in the file's header, beside
the algorithm's name and its configuration. Pickle, torch.save's format, was rejected: reading one runs what it says.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from baselines.files import write
from baselines.types import Tree
from rlbench.errors import UserError, shortened

SCHEMA = 2
MAX_SHOWN = 4  # differences between two sets of settings that an error names
FIELDS = {"schema", "algorithm", "config", "state"}  # of the header, and `digest`
ARRAY = "__array__"
ANEW = "--no-resume begins anew"
WAYS = f"{ANEW}, --out keeps both"


def save(path: Path, algorithm: str, config: dict[str, Any], state: Tree) -> None:
    """Write a checkpoint of `algorithm` under `config` (plain JSON values)."""
    from safetensors.numpy import save as to_bytes

    arrays: dict[str, np.ndarray] = {}
    header = {"schema": SCHEMA, "algorithm": algorithm, "config": config, "state": _split(state, "", arrays)}
    header["digest"] = _digest(header, arrays)
    write(path, to_bytes(arrays, {"rlbench": json.dumps(header)}))


def load(path: Path, algorithm: str, config: dict[str, Any]) -> Tree:
    """Read a checkpoint; UserError where it is another algorithm's or configuration's, damaged, or none at all."""
    header, arrays = _read(path)
    if header["algorithm"] != algorithm:
        raise UserError(f"{path} is a checkpoint of {header['algorithm']}, not of {algorithm}; {WAYS}")
    if different := _difference(header["config"], config):
        raise UserError(f"{path} was made with another configuration: {different}; {WAYS}")
    tree: Tree = _join(header["state"], arrays)
    return tree


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of a checkpoint, whole by its digest; those from before there was one have none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            header = json.loads(file.metadata()["rlbench"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
    except OSError as error:
        raise UserError(f"cannot read the checkpoint {path}: {error.strerror or error}") from None
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError, AttributeError) as error:
        raise UserError(f"{path} is not a checkpoint: {' '.join(str(error).split())}; {ANEW}") from None
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        found = shortened(header.get("schema")) if isinstance(header, dict) else "none"
        raise UserError(f"{path} has schema {found}, this version reads {SCHEMA}; {ANEW}")
    if "digest" in header and header.pop("digest") != _digest(header, arrays):
        raise UserError(f"{path} is damaged: it does not have the contents that were written; {ANEW}")
    if {*header} != FIELDS:
        raise UserError(f"{path} is not a checkpoint: its header has {', '.join(header)}; {ANEW}")
    return header, arrays


def _digest(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """The sha256 of all that a checkpoint holds."""
    total = hashlib.sha256(json.dumps(header).encode())
    for name, array in sorted(arrays.items()):
        total.update(f"{name} {array.dtype} {array.shape} ".encode())
        total.update(memoryview(array).cast("B") if array.size else b"")
    return total.hexdigest()


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
