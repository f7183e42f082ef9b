"""Runs `train` from settings to a submission: writes its checkpoints and learning curve, shows its progress.

Into the folder `out` go `checkpoint.safetensors` (the last snapshot), `curve.jsonl` (a line per event), TensorBoard
files where asked for, and in the end `submission/`. A training run that was killed is resumed from its last snapshot,
and ends with the same weights, bit for bit, as one that was not.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines import ALGORITHMS, checks
from baselines.data.rollout import task_keys
from baselines.export import Origin, export
from baselines.files import check_folder, writing
from baselines.training import checkpoint, curve
from baselines.training.curve import CURVE
from baselines.training.events import Evaluated, Event, Finished, Progress, Snapshot
from baselines.types import Tree
from rlbench.errors import UserError, unknown
from rlbench.harness.results import provenance
from rlbench.progress import progress

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable

    Watcher = Callable[[Event], None]

CHECKPOINT, SUBMISSION, TENSORBOARD = "checkpoint.safetensors", "submission", "tensorboard"


def run(
    algorithm: str,
    settings: Any,
    out: str | Path,
    *,
    quiet: bool = False,
    tensorboard: bool = False,
    resume: bool = True,
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
        UserError: for an unknown algorithm, a bad setting, a folder that cannot be written or that another run writes
            into, another run's checkpoint, a loss that is no number.
    """
    module, out = load(algorithm), Path(out)
    settings.check()
    with no_folder_of_refused(out):
        prepare(out)
        with alone(out):
            if not resume:
                clear(out)
            return _run(module, algorithm, settings, out, quiet, tensorboard)


def _run(module: Any, algorithm: str, settings: Any, out: Path, quiet: bool, tensorboard: bool) -> Path:
    plain, first = checks.as_json(settings), curve.head(algorithm, settings, device_of(settings))
    saved = checkpoint.load(out / CHECKPOINT, algorithm, plain) if (out / CHECKPOINT).exists() else None
    if saved is None:
        curve.begin(out / CURVE, first)
    else:
        curve.cut(out / CURVE, first, saved["update"])
        if not quiet:
            sys.stderr.write(how_it_goes_on(saved))
    if not quiet and (why := why_cpu(settings)):
        sys.stderr.write(f"{why}\n")
    last = LastSnapshot(saved["update"] if saved else None)
    with ExitStack() as stack, ending_explained(out, last):
        watchers = [stack.enter_context(curve.appended(out / CURVE))]
        watchers.append(stack.enter_context(progress_bar(f"{settings.agent}, seed {settings.seed}", quiet)))
        if tensorboard:
            watchers.append(stack.enter_context(summary(out / TENSORBOARD)))
        events = stack.enter_context(closing(module.train(settings, resume=saved["training"] if saved else None)))
        for event in events:
            for watch in watchers:
                watch(event)
            if isinstance(event, Snapshot | Finished):
                tree: Tree = {"update": event.update, "training": event.state()}
                checkpoint.save(out / CHECKPOINT, algorithm, plain, tree)
                last.update = event.update
            if isinstance(event, Finished):
                export(event.policy, origin(settings, event), out / SUBMISSION)
    return out / SUBMISSION


def how_it_goes_on(saved: Tree) -> str:
    """The line about the snapshot that training goes on from; empty for one from before the first update."""
    if saved["training"]["reason"]:
        return "this training run has finished already; --no-resume begins anew, resume=False in Python\n"
    return f"going on from the snapshot at update {saved['update']:,}\n" if saved["update"] else ""


def load(algorithm: str) -> Any:
    """The module of an algorithm; UserError for an unknown one, and where what it needs is not installed."""
    if algorithm not in ALGORITHMS:
        raise unknown("algorithm", algorithm, ALGORITHMS)
    try:
        importlib.import_module("safetensors")  # what checkpoints and submissions are written with
        return importlib.import_module(ALGORITHMS[algorithm])
    except ModuleNotFoundError as error:
        raise UserError(f'{algorithm} needs {error.name}; pip install "rlbench[baselines]"') from None


def prepare(out: Path) -> None:
    """Make the folder; UserError where it cannot be written, or something else has the name of what goes into it."""
    check_folder(out, "train into")
    for name in (CHECKPOINT, CURVE):
        if (out / name).exists() and not (out / name).is_file():
            raise UserError(f"cannot train into {out}: {name} in it is no file; remove it, or give another --out")
    for name in (SUBMISSION, TENSORBOARD):
        if (out / name).is_symlink() or ((out / name).exists() and not (out / name).is_dir()):
            raise UserError(f"cannot train into {out}: {name} in it is no folder; remove it, or give another --out")


def clear(out: Path) -> None:
    """Remove what an earlier training run left in the folder."""
    with writing(out):
        for name in (CHECKPOINT, CURVE):
            (out / name).unlink(missing_ok=True)
        for name in (SUBMISSION, TENSORBOARD):
            if (out / name).exists():
                shutil.rmtree(out / name)


@contextmanager
def no_folder_of_refused(out: Path) -> Iterator[None]:
    """Removes the folders that were made for a training run which was refused before it learned anything."""
    made = [folder for folder in (out, *out.parents) if not os.path.lexists(folder)]
    try:
        yield
    except UserError:
        if out in made and os.path.isdir(out) and not any((out / name).exists() for name in (CHECKPOINT, CURVE)):
            clear(out)
        for folder in made:
            with suppress(OSError):  # it holds something, or was not made after all
                folder.rmdir()
        raise


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """A scope in which no other training run writes into the folder; UserError where one does."""
    if fcntl is None:  # Windows
        yield
        return
    folder = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another training run writes into {out}; wait for it, or give another --out") from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(folder)


def device_of(settings: Any) -> str:
    """Model of the CPU or the GPU that a training run uses."""
    return gpu_of(settings) or provenance.cpu()


def gpu_of(settings: Any) -> str:
    """Model of the GPU that a training run uses; empty for none."""
    if settings.device == "cpu":
        return ""
    from baselines.nets.devices import device_name  # tables need no torch

    return device_name(settings)


def why_cpu(settings: Any) -> str:
    """Why a training run is not on the GPU that there is; empty where it is, or where the user decided."""
    if settings.device != "auto" or "torch" not in sys.modules:
        return ""
    from baselines.nets import devices

    return devices.why_cpu(settings)


def origin(settings: Any, finished: Finished) -> Origin:
    """What the submission's manifest says of this training run; of a CPU nothing, where weights do not depend on it."""
    gpu = gpu_of(settings)
    where = (gpu, settings.precision) if gpu else ()
    return Origin(settings.agent, task_keys(settings.task), settings.seed, finished.steps, *where)


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
