"""Runs `train` from settings to a submission: writes its checkpoints and learning curve, shows its progress.

Into the folder `out` go `checkpoint.safetensors` (the last snapshot), `curve.jsonl` (a line per event), TensorBoard
files where asked for, and in the end `submission/`. A training run that was killed is resumed from its last snapshot,
and ends with the same weights, bit for bit, as one that was not.
"""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines import ALGORITHMS, checks
from baselines.data.rollout import task_keys
from baselines.export import Origin, export
from baselines.files import write
from baselines.training import checkpoint
from baselines.training.events import Evaluated, Event, Finished, Progress, Snapshot
from baselines.types import Tree
from rlbench.errors import UserError, unknown
from rlbench.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    Watcher = Callable[[Event], None]

CHECKPOINT, CURVE, SUBMISSION, TENSORBOARD = "checkpoint.safetensors", "curve.jsonl", "submission", "tensorboard"


def run(
    algorithm: str, settings: Any, out: Path, *, quiet: bool = False, tensorboard: bool = False, resume: bool = True
) -> Path:
    """Train an agent and return the submission's folder, `out/submission`.

    Args:
        algorithm: a name in `baselines.ALGORITHMS`.
        settings: of that algorithm.
        out: folder for everything that the training run leaves.
        quiet: no progress bar.
        tensorboard: write TensorBoard files too.
        resume: go on from a checkpoint in `out`; else what an earlier training run left there is deleted.

    Raises:
        UserError: for an unknown algorithm, a bad setting, another run's checkpoint, a loss that is no number.
    """
    module = load(algorithm)
    settings.check()
    plain = checks.as_json(settings)
    prepare(out, keep=resume)
    saved = checkpoint.load(out / CHECKPOINT, algorithm, plain) if (out / CHECKPOINT).exists() else None
    if saved is None:
        begin_curve(out / CURVE, algorithm, settings)
    else:
        cut_curve(out / CURVE, saved["update"])
        if saved["training"]["reason"] and not quiet:
            sys.stderr.write("this training run has finished already; --no-resume begins anew\n")
        elif saved["update"] and not quiet:
            sys.stderr.write(f"going on from the snapshot at update {saved['update']:,}\n")
    last = LastSnapshot(saved["update"] if saved else None)
    with ExitStack() as stack, ending_explained(out, last):
        watchers = [stack.enter_context(curve(out / CURVE))]
        watchers.append(stack.enter_context(progress_bar(f"{settings.agent}, seed {settings.seed}", quiet)))
        if tensorboard:
            watchers.append(stack.enter_context(summary(out / TENSORBOARD)))
        for event in module.train(settings, resume=saved["training"] if saved else None):
            for watch in watchers:
                watch(event)
            if isinstance(event, Snapshot | Finished):
                tree: Tree = {"update": event.update, "training": event.state()}
                checkpoint.save(out / CHECKPOINT, algorithm, plain, tree)
                last.update = event.update
            if isinstance(event, Finished):
                export(event.policy, origin(settings, event), out / SUBMISSION)
    return out / SUBMISSION


def load(algorithm: str) -> Any:
    """The module of an algorithm; UserError for an unknown one, and where what it needs is not installed."""
    if algorithm not in ALGORITHMS:
        raise unknown("algorithm", algorithm, ALGORITHMS)
    try:
        importlib.import_module("safetensors")  # what checkpoints and submissions are written with
        return importlib.import_module(ALGORITHMS[algorithm])
    except ModuleNotFoundError as error:
        raise UserError(f'{algorithm} needs {error.name}; pip install "rlbench[baselines]"') from None


def prepare(out: Path, *, keep: bool) -> None:
    """Make the folder; without `keep`, remove what an earlier training run left in it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in () if keep else (CHECKPOINT, CURVE):
            (out / name).unlink(missing_ok=True)
        for name in () if keep else (SUBMISSION, TENSORBOARD):
            shutil.rmtree(out / name, ignore_errors=True)
    except OSError as error:
        raise UserError(f"cannot train into {out}: {error.strerror}") from None


def origin(settings: Any, finished: Finished) -> Origin:
    """What the submission's manifest says of this training run."""
    return Origin(settings.agent, task_keys(settings.task), settings.seed, finished.steps)


@dataclass
class LastSnapshot:
    """The last snapshot on disk."""

    update: int | None
    """Its update; None before the first."""


@contextmanager
def ending_explained(out: Path, snapshot: LastSnapshot) -> Iterator[None]:
    """Adds to an error or an interruption where the checkpoint lies; a run refused at once leaves no learning curve."""
    try:
        yield
    except UserError as error:
        if snapshot.update is None:
            if (out / CURVE).read_bytes().count(b"\n") == 1:  # its head alone
                (out / CURVE).unlink()
            raise
        raise UserError(f"{error}; the last good checkpoint is kept: {out / CHECKPOINT}") from None
    except KeyboardInterrupt:
        future = "begins anew" if not snapshot.update else f"goes on from the snapshot at update {snapshot.update:,}"
        raise KeyboardInterrupt(f"interrupted; the same command {future}") from None


def line(event: Event) -> dict[str, Any] | None:
    """The learning curve's entry for an event; None for snapshots."""
    if isinstance(event, Snapshot):
        return None
    entry: dict[str, Any] = {
        "event": type(event).__name__.lower(),
        "update": event.update,
        "steps": event.steps,
        "seconds": round(event.seconds, 6),
    }
    if isinstance(event, Progress):
        return {**entry, **event.metrics}
    if isinstance(event, Evaluated):
        return {**entry, "mean": event.mean, "returns": event.returns, "best": event.best}
    return {**entry, "reason": event.reason}


@contextmanager
def curve(path: Path) -> Iterator[Watcher]:
    """Appends a line of JSON per event."""
    with path.open("a", encoding="utf-8") as file:

        def watch(event: Event) -> None:
            if entry := line(event):
                file.write(json.dumps(entry) + "\n")
                file.flush()

        yield watch


def begin_curve(path: Path, algorithm: str, settings: Any) -> None:
    """Start the learning curve by a line that names algorithm, agent, task and seed."""
    head = {"event": "started", "update": 0, "steps": 0, "seconds": 0.0, "algorithm": algorithm}
    whose = {"agent": settings.agent, "task": settings.task, "seed": settings.seed}
    write(path, (json.dumps(head | whose) + "\n").encode())


def cut_curve(path: Path, update: int) -> None:
    """Drop the lines after a snapshot, which the resumed run writes again, and a last line that is torn."""
    if not path.exists():
        return
    kept = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(text)
        except ValueError:
            break
        if entry["update"] > update or entry["event"] == "finished":
            break
        kept.append(text + "\n")
    write(path, "".join(kept).encode())


@contextmanager
def progress_bar(title: str, quiet: bool) -> Iterator[Watcher]:
    """Progress bar with rate, time left and the latest metrics; nothing where the output is no terminal."""
    shown: dict[str, float] = {}
    done = 0.0
    with progress(title, quiet=quiet) as show:

        def watch(event: Event) -> None:
            nonlocal done
            if isinstance(event, Evaluated):
                shown["validation"] = event.mean
            elif isinstance(event, Progress):
                done = event.done
                shown.update(event.metrics)
            count, unit = (event.steps, "steps") if event.steps else (event.update, "updates")
            show(done, count, unit, "  ".join(f"{name} {value:.3g}" for name, value in shown.items()))

        yield watch


@contextmanager
def summary(folder: Path) -> Iterator[Watcher]:
    """TensorBoard scalars over environment steps; UserError where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError('--tensorboard needs TensorBoard; pip install "rlbench[baselines]"') from None
    with SummaryWriter(str(folder)) as writer:

        def watch(event: Event) -> None:
            metrics = event.metrics if isinstance(event, Progress) else {}
            if isinstance(event, Evaluated):
                metrics = {"validation return": event.mean}
            for name, value in metrics.items():
                writer.add_scalar(name, value, event.steps)

        yield watch
