"""Summaries of records: what rankings need of each, kept in a cache so that an unchanged file is not parsed again.

A summary is found by the sha256 of the name and content of the file that it is of, under a hash of rlbench's tasks, so
that it cannot be one of another content, nor checked against another task. The name has the task of others in it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench.errors import UserError, about_it, printable
from rlbench.harness.results import bounds, record
from rlbench.harness.results.places import misplaced
from rlbench.harness.tasks.suite import TASKS, catalogue

CACHE_NAME = "rlbench_summaries_{}"
"""Name of the file in the cache; one per folder of results."""

LAYOUT = 7
"""Version of what the cache holds."""


@dataclass(frozen=True)
class Summary:
    """One record: whose run it is, and the return of every committed episode, `returns: float64[E]`, in order."""

    task: str
    agent: str
    version: str = "1"
    owner: str = ""
    digest: str = ""
    contents: str = ""
    sha256: str = ""  # of the committed bytes
    walled: bool = True  # whether the agent was kept apart so that the run may be ranked
    secret: str = ""  # what its seeds were drawn from, as a hash; empty where they are fixed
    state: str = "self-reported"  # what `verify` has found out
    flaw: str = ""  # why the file says nothing that could be ranked; empty where it does
    dynamics: str = ""  # empty where they are rlbench's own
    training_seed: int = -1  # -1: not trained
    training_steps: int = -1  # -1: not told
    failed: int = 0  # episodes whose status is not ok
    complete: bool = False
    lacking: str = ""  # why episodes are missing; empty where no program was
    drawn: int = 0  # games that nobody won
    returns: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


State = Callable[[Path, record.Record], str]
Load = Callable[[str], "bytes | None"]
Store = Callable[[str, bytes], object]


def load(folder: Path, cached: Load, store: Store, state: State) -> list[Summary]:
    """The summary of every record under a folder of results, ordered by task and file.

    A file that cannot be ranked has one as well, which says why, so that it stops nothing else.

    Args:
        folder: The folder of results.
        cached: Gives what a cache holds under a name.
        store: Puts something into the cache.
        state: What is known of a record from what `verify` has found, by its path and content.

    Raises:
        UserError: There is no such folder.
    """
    if not folder.is_dir():
        raise UserError(f"no folder of results at {folder}; `rlbench evaluate` makes one")
    name = CACHE_NAME.format(hashlib.sha256(str(folder.resolve()).encode(errors="surrogateescape")).hexdigest()[:16])
    known = unpacked(cached(name))
    of_others = catalogue()
    made: list[Summary | None] = []
    found: dict[str, Summary | None] = {}
    for path in record.candidates(folder):
        try:
            data = record.read_bytes(path)
        except UserError as error:
            made.append(flawed(path, about_it(error, path)))
            continue
        place = f"{path.parent.name}/{path.name}\0".encode(errors="surrogateescape")
        task = of_others.tasks.get(path.parent.name) if path.parent.name in of_others.sources else None
        key = hashlib.sha256(place + data + findings(path) + (repr(task).encode() if task else b"")).hexdigest()
        found[key] = known[key] if key in known else summary_of(data, path, state)
        made.append(found[key])
    if found.keys() != known.keys():
        store(name, packed(found))
    return [each for each in made if each is not None]


def findings(path: Path) -> bytes:
    """What lies beside a record of the findings of `verify`; empty where nothing does that could be read."""
    try:
        return record.read_bytes(path.with_suffix(record.VERIFICATION))
    except UserError:
        return b""


def summary_of(data: bytes, path: Path, state: State) -> Summary:
    """The summary of a file by its content, and by what was found out about it."""
    try:
        run = record.parse(data, path)
        if run is None:
            return flawed(path, "nothing is recorded in it yet; evaluate again, or remove it")
        task = catalogue().tasks.get(run.header["task"])
        wrong = misplaced(run, path) or (bounds.flaw(run, task) if task else None)
    except UserError as error:
        return flawed(path, about_it(error, path))
    return flawed(path, wrong) if wrong else summary(run, data, state(path, run))


def flawed(path: Path, wrong: str) -> Summary:
    """What is told of a file that cannot be ranked: where it lies, and why it cannot."""
    return Summary(printable(path.parent.name)[:80], printable(path.name)[:80], flaw=wrong)


def summary(of: record.Record, data: bytes, state: str) -> Summary:
    """The summary of a record, by its content as it was read, its bytes, and what is known of it."""
    header = of.header
    seed, steps = (-1 if header[name] is None else int(header[name]) for name in ("training_seed", "training_steps"))
    return Summary(
        task=header["task"],
        agent=header["agent"],
        version=header["version"],
        owner=header["owner"],
        digest=header["digest"],
        contents=header["contents"],
        sha256=hashlib.sha256(data[: of.size]).hexdigest(),
        walled=of.walled,
        secret=header["secret"] or "",
        state=state,
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


def layout() -> str:
    """What a cache was made under: LAYOUT and the tasks; one made under another is not read."""
    return hashlib.sha256(repr((LAYOUT, *TASKS.values())).encode()).hexdigest()


def packed(summaries: Mapping[str, Summary | None]) -> bytes:
    """Summaries by digest, as bytes: a line of JSON, then all returns."""
    rows = {digest: each and {**vars(each), "returns": len(each.returns)} for digest, each in summaries.items()}
    returns = [each.returns for each in summaries.values() if each]
    head = json.dumps({"layout": layout(), "rows": rows}).encode() + b"\n"
    return head + (np.concatenate(returns).astype("<f8").tobytes() if returns else b"")


def unpacked(data: bytes | None) -> dict[str, Summary | None]:
    """The inverse of `packed`; empty for nothing, or another layout."""
    head, _, body = (data or b"{}").partition(b"\n")
    content: Any = json.loads(head)
    if content.get("layout") != layout():
        return {}
    file = io.BytesIO(body)
    summaries: dict[str, Summary | None] = {}
    for digest, row in content["rows"].items():
        if row is not None:
            row["returns"] = np.frombuffer(file.read(8 * row["returns"]), "<f8")
        summaries[digest] = row and Summary(**row)
    return summaries
