"""The learning curve of a training run, `curve.jsonl`: its one schema, reader and writer.

The first line names algorithm, agent, task and seed; a line per event follows. Nothing here imports torch.
"""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from baselines.files import write, writing
from baselines.training.events import Evaluated, Event, Progress, Snapshot
from rlbench import arithmetic
from rlbench.errors import UserError, shortened
from rlbench.text_files import read_text

CURVE = "curve.jsonl"
MAX_BYTES = 1 << 30

UNKNOWN = {"device": "an unknown device", "arithmetic": arithmetic.NATIVE, "precision": "float32"}
"""Where a training run computes, and what a curve that does not say so is taken for."""

Entry = dict[str, Any]


def head(algorithm: str, settings: Any, device: str) -> Entry:
    """The first entry: whose curve it is, and what weights depend on: model of CPU or GPU, arithmetic, precision."""
    whose = {"algorithm": algorithm, "agent": settings.agent, "task": settings.task, "seed": int(settings.seed)}
    whose |= {"device": device, "arithmetic": arithmetic.current(), "precision": settings.precision}
    return {"event": "started", "update": 0, "steps": 0, "seconds": 0.0, **whose}


def entry(event: Event) -> Entry | None:
    """The entry for an event; None for snapshots."""
    if isinstance(event, Snapshot):
        return None
    made: Entry = {
        "event": type(event).__name__.lower(),
        "update": event.update,
        "steps": event.steps,
        "seconds": round(event.seconds, 6),
    }
    if isinstance(event, Progress):
        return {**made, **event.metrics}
    if isinstance(event, Evaluated):
        return {**made, "mean": event.mean, "returns": event.returns, "best": event.best}
    return {**made, "reason": event.reason}


def begin(path: Path, first: Entry) -> None:
    """Start the curve with its first entry."""
    write(path, _text([first]))


def cut(path: Path, first: Entry, update: int) -> None:
    """Drop the entries after a snapshot, which the resumed run writes again, and what is torn or no entry.

    A curve that is missing, or another run's, is begun anew. One that goes on elsewhere names both devices, and both
    arithmetics.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        text = ""
    kept = []
    for each, wrong in _entries(text):
        if wrong or each["update"] > update or each["event"] == "finished":
            break
        kept.append(each)
    if kept and {**kept[0], **(where := {name: first[name] for name in UNKNOWN})} == first:
        for name, now in where.items():
            before = kept[0].get(name, UNKNOWN[name])
            kept[0][name] = "; ".join(dict.fromkeys([*before.split("; "), now]))
        write(path, _text(kept))
    else:
        write(path, _text([first]))


def read(path: Path) -> list[Entry]:
    """The entries, the head first; a last line that is torn is left out, as the run may be writing it.

    Raises:
        UserError: the file is no learning curve.
    """
    text = read_text(path, "learning curve", MAX_BYTES)
    found = list(_entries(text))
    entries = [each for each, wrong in found if not wrong]
    torn = len(found) == len(text.splitlines()) and not text.endswith("\n")
    if not entries or (len(entries) < len(found) and not torn):
        wrong = found[-1][1] if found else "it is empty"
        raise UserError(f"{path} is no learning curve: {wrong}; train again, or leave it out")
    return entries


@contextmanager
def appended(path: Path) -> Iterator[Callable[[Event], None]]:
    """Appends an entry per event; each is on disk as soon as it is there."""
    with writing(path), path.open("ab", buffering=0) as file:

        def watch(event: Event) -> None:
            if made := entry(event):
                data = _text([made])
                with writing(path):
                    if file.write(data) < len(data):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        yield watch


def _text(entries: list[Entry]) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in entries).encode()


def _entries(text: str) -> Iterator[tuple[Entry, str]]:
    """The entries, with an empty text each, up to the first that is none, with what is wrong with it."""
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            made = json.loads(line)
            wrong = _fault(made, number == 1)
        except (ValueError, RecursionError) as error:
            made, wrong = {}, " ".join(str(error).split())
        yield made, f"{wrong} in line {number}" if wrong and number > 1 else wrong
        if wrong:
            return


def _fault(made: Any, first: bool) -> str:
    """What is wrong with an entry; empty where nothing is."""
    if not isinstance(made, dict):
        return f"{shortened(made)} is no entry"
    fields: dict[str, Callable[[Any], bool]] = {"task": _is_text, "agent": _is_text, "seed": _is_count} if first else {}
    fields |= {"event": _is_text, "update": _is_count, "steps": _is_count, "seconds": _is_number}
    if made.get("event") == "evaluated":
        fields["mean"] = _is_number
    for name, fits in fields.items():
        if name not in made:
            return f"no {name!r}"
        if not fits(made[name]):
            return f"{name} is {shortened(made[name])}"
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]  # a number
