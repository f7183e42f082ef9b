"""Summaries of records: what rankings need of each, kept in a cache so that an unchanged file is not parsed again.

A summary is found by the sha256 of the file that it is of, so it cannot be one of another content.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.errors import UserError
from rlbench.harness.results import record

CACHE_NAME = "rlbench_summaries_{}"
"""Name of the file in the cache; one per folder of results."""

LAYOUT = 2
"""Version of what the cache holds; another is not read."""


@dataclass(frozen=True)
class Summary:
    """One record: whose run it is, and the return of every committed episode, `returns: float64[E]`, in order."""

    task: str
    agent: str
    version: str
    digest: str
    dynamics: str  # empty where they are rlbench's own
    training_seed: int  # -1: not trained
    training_steps: int  # -1: not told
    failed: int  # episodes whose status is not ok
    complete: bool
    lacking: str  # why episodes are missing; empty where no program was
    drawn: int  # games that nobody won
    returns: NDArray[np.float64]


Load = Callable[[str], "bytes | None"]
Store = Callable[[str, bytes], object]


def load(folder: Path, cached: Load, store: Store) -> list[Summary]:
    """The summary of every record under a folder of results, ordered by task and file.

    Args:
        folder: The folder of results.
        cached: Gives what a cache holds under a name.
        store: Puts something into the cache.

    Raises:
        UserError: There is no such folder, or a record cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"no folder of results at {folder}; `rlbench evaluate` makes one")
    name = CACHE_NAME.format(hashlib.sha256(str(folder.resolve()).encode(errors="surrogateescape")).hexdigest()[:16])
    known = unpacked(cached(name))
    digests, found = [], {}
    for path in record.find(folder):
        data = record.read_bytes(path)
        digests.append(digest := hashlib.sha256(data).hexdigest())
        found[digest] = known[digest] if digest in known else summary(record.parse(data, path))
    if found.keys() != known.keys():
        store(name, packed(found))
    return [each for digest in digests if (each := found[digest]) is not None]


def summary(of: record.Record | None) -> Summary | None:
    """The summary of a record; None for one without a header."""
    if of is None:
        return None
    header = of.header
    seed, steps = (-1 if header[name] is None else int(header[name]) for name in ("training_seed", "training_steps"))
    return Summary(
        task=header["task"],
        agent=header["agent"],
        version=header["version"],
        digest=header["digest"],
        dynamics=header.get("dynamics") or "",
        training_seed=seed,
        training_steps=steps,
        failed=sum(line["status"] != "ok" for line in of.episodes),
        complete=of.complete,
        lacking=of.lacking or "",
        drawn=sum(is_drawn(line) for line in of.episodes),
        returns=np.array([line["return"] for line in of.episodes], np.float64),
    )


def is_drawn(line: Mapping[str, Any]) -> bool:
    """Whether an episode is a game that was played to its end and won by nobody."""
    return bool(line["status"] == "ok" and line["extra"].get("winner") == 0)


def packed(summaries: Mapping[str, Summary | None]) -> bytes:
    """Summaries by digest, as bytes: a line of JSON, then all returns."""
    rows = {digest: each and {**vars(each), "returns": len(each.returns)} for digest, each in summaries.items()}
    returns = [each.returns for each in summaries.values() if each]
    head = json.dumps({"layout": LAYOUT, "rows": rows}).encode() + b"\n"
    return head + (np.concatenate(returns).astype("<f8").tobytes() if returns else b"")


def unpacked(data: bytes | None) -> dict[str, Summary | None]:
    """The inverse of `packed`; empty for nothing, or another layout."""
    head, _, body = (data or b"{}").partition(b"\n")
    content: Any = json.loads(head)
    if content.get("layout") != LAYOUT:
        return {}
    file = io.BytesIO(body)
    summaries: dict[str, Summary | None] = {}
    for digest, row in content["rows"].items():
        if row is not None:
            row["returns"] = np.frombuffer(file.read(8 * row["returns"]), "<f8")
        summaries[digest] = row and Summary(**row)
    return summaries
