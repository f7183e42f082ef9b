"""Learning curves beside the records: one small CSV per training run, `curves/<task>/<agent>-s<seed>.csv`.

    steps,seconds,mean_return,device

A line per evaluation on validation seeds. `steps` are environment steps, `seconds` the wall clock spent training until
then on `device`, without validation; `device` names the precision, too, where that was not float32. A run that was
scored before curves were kept has one where `rlbench run --reproduce` trained it again and the weights came out the
same.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rlbench.errors import UserError
from rlbench.regular_files import read_regular
from rlbench.text_files import decoded
from rlbench.whole_files import replacing_regular

FOLDER = "curves"

MAX_BYTES = 1 << 24

NAME = r"([A-Za-z0-9][A-Za-z0-9._+-]{0,63})-s(\d{1,18})"
TASK = r"[a-z0-9]+(-[a-z0-9]+)*@[0-9]+"
MAX_STEPS, MAX_SECONDS, MAX_DEVICE = 2**63 - 1, 1e9, 200
"""Bounds of a line's steps and seconds; characters of its device."""


class Evaluation(NamedTuple):
    """A line of a learning curve."""

    steps: int
    seconds: float
    mean_return: float
    device: str


COLUMNS = Evaluation._fields


@dataclass(frozen=True)
class KeptCurve:
    """The learning curve of one training run, by its end."""

    task: str
    agent: str
    seed: int
    file: str  # below the folder of results
    steps: int
    seconds: float
    device: str


def keep(entries: Sequence[Mapping[str, Any]], results: Path) -> None:
    """Write the evaluations of a training run's learning curve beside the records; nothing where there are none.

    Args:
        entries: Of `curve.jsonl`, the head first.
        results: The folder of results.

    Raises:
        UserError: The file cannot be written.
    """
    head, *events = entries
    path = results / FOLDER / str(head["task"]) / f"{head['agent']}-s{head['seed']}.csv"
    rows = [(e["steps"], round(e["seconds"], 3), e["mean"]) for e in events if e["event"] == "evaluated"]
    if not rows:  # planning is not evaluated on the way
        return
    try:
        with replacing_regular(path, folders=2) as scratch:
            scratch.write_text(as_csv([(*row, device_of(head)) for row in rows]), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot keep the learning curve {path}: {error.strerror}") from None


def device_of(head: Mapping[str, Any]) -> str:
    """Where a training run computed, from its first entry, with the precision where that was not float32."""
    device, precision = str(head.get("device", "")), head.get("precision", "float32")
    return device if precision == "float32" else f"{device} ({precision})"


def as_csv(rows: Iterable[tuple[Any, ...]]) -> str:
    """Rows as CSV, with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue()


def find(results: Path) -> list[KeptCurve]:
    """The learning curves beside the records, by task, agent and seed, without files that are none."""
    return survey(results)[0]


def survey(results: Path) -> tuple[list[KeptCurve], list[tuple[Path, str]]]:
    """The learning curves beside the records, by task, agent and seed; and files that are none, with reasons."""
    found, flawed = [], []
    for path in found_in(results):
        try:
            whose, rows = read(path)
        except UserError as error:
            flawed.append((path, str(error)))
            continue
        found.append(KeptCurve(*whose, path.relative_to(results).as_posix(), *rows[-1][:2], rows[-1].device))
    return sorted(found, key=lambda curve: (curve.task, curve.agent, curve.seed)), flawed


def found_in(results: Path) -> list[Path]:
    """The files in the places of learning curves; of links to folders, which lead elsewhere, the links themselves."""
    folder = results / FOLDER
    tasks = [] if folder.is_symlink() else sorted(path for path in folder.glob("*") if path.is_dir())
    return [path for task in tasks for path in ([task] if task.is_symlink() else sorted(task.glob("*.csv")))]


def read(path: Path) -> tuple[tuple[str, str, int], list[Evaluation]]:
    """Task, agent and training seed of a kept curve, and its lines; UserError for a file that is none."""
    name = re.fullmatch(NAME, path.stem, re.ASCII)
    try:
        text = decoded(read_regular(path, MAX_BYTES), f"the learning curve {path}")
    except OSError as error:
        raise UserError(f"cannot read the learning curve {path}: {error.strerror}") from None
    try:
        head, *lines = csv.reader(text.splitlines() or [""])
        rows = [Evaluation(int(steps), float(seconds), float(mean), device) for steps, seconds, mean, device in lines]
    except (ValueError, csv.Error):
        head, rows = [], []
    if not rows or tuple(head) != COLUMNS:
        raise UserError(f"{path} is no learning curve: its columns are not {', '.join(COLUMNS)}; move it away")
    if name is None or not re.fullmatch(TASK, path.parent.name, re.ASCII):
        raise UserError(f"{path} is no learning curve: its place is not <task>/<agent>-s<seed>.csv; move it away")
    for number, row in enumerate(rows, start=2):
        if not _is_possible(row):
            raise UserError(f"{path} is no learning curve: line {number} cannot be one; move it away")
    return (path.parent.name, name[1], int(name[2])), rows


def _is_possible(row: Evaluation) -> bool:
    """Whether a training run can have such an evaluation."""
    numbers = 0 <= row.steps <= MAX_STEPS and 0 <= row.seconds <= MAX_SECONDS and math.isfinite(row.mean_return)
    return numbers and len(row.device) <= MAX_DEVICE and (row.device.isprintable() or not row.device)
