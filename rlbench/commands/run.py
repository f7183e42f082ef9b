"""`rlbench run quick`: train the seeds of each reference agent, score them, and write the leaderboard.

Whatever is there already is kept: an interrupted run goes on where it stopped, a finished one only prints its table.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import tyro

from rlbench import whole_files
from rlbench.api.ranking import load_rankings
from rlbench.commands import leaderboard
from rlbench.commands.shared import pages
from rlbench.commands.shared.agents import learning_curves, training
from rlbench.commands.shared.lookup import find_task
from rlbench.commands.shared.output import Format, Quiet, print_table, remark, silent, table_of
from rlbench.commands.shared.plans import PLANS, Entry, agent_of, entries, seeds_of
from rlbench.commands.train import with_settings
from rlbench.errors import UserError, counted, unknown
from rlbench.harness.evaluate import evaluate
from rlbench.harness.executors.choice import executor_of
from rlbench.harness.executors.order import in_order
from rlbench.harness.kept import Kept
from rlbench.harness.layers.player import WEIGHTS
from rlbench.harness.results import curves
from rlbench.harness.tasks.suite import catalogue, get_task
from rlbench.process.numerics import one_blas_thread, torch_threads
from rlbench.progress import progress

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class RunOptions:
    """Train the reference agents, score them in processes of their own, write the leaderboard."""

    plan: Annotated[str, tyro.conf.Positional] = "quick"
    """Which agents: quick; classic, which adds the slides' algorithms as they stand; those of one family, hours long:
    atari, glimpses, go, locomotion, mujoco-v5; or lecture, which is all of them. Any other suite is a plan as well."""
    agent: tuple[str, ...] = ()
    """These agents of the plan alone, by their names on the leaderboard."""
    task: Annotated[tuple[str, ...], tyro.conf.arg(aliases=["-t"])] = ()
    """These tasks of the plan alone."""
    seeds: int | None = None
    """Training seeds of each agent; by default 10, or 3 or 1 of an agent that takes long to train."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["--output", "-o"])] = None
    """Folder for everything that follows; `runs/<plan>` by default."""
    results: Path | None = None
    """Folder for the recorded episodes; `<out>/results` by default."""
    leaderboard: Path | None = None
    """The page to write; `<out>/leaderboard.md` by default."""
    pretrained: Path | None = None
    """Folder that keeps a copy of every submission, as <task>/<agent>-s<seed>."""
    reproduce: Path | None = None
    """Folder of such copies, as baselines/pretrained: train those of the plan again, compare the weights, and keep the
    learning curve beside the records where they are the same, byte for byte. Nothing is scored."""
    device: str = "auto"
    """Where networks train: auto, cpu or cuda."""
    jobs: Annotated[int, tyro.conf.arg(aliases=["-j"])] = 1
    """How many training runs, and blocks of episodes, at once; each training run computes with one thread then."""
    quiet: Quiet = False
    """Print the table alone."""
    format: Format = "table"


def run(options: RunOptions) -> int:
    """Train, evaluate, rank; 0 once the leaderboard is written."""
    name = options.plan.lower()
    plan, tasks = narrowed(*agents_and_tasks(name), options)
    if options.device not in DEVICES:
        raise unknown("device", options.device, DEVICES)
    if options.jobs < 1:
        raise UserError(f"--jobs is at least 1, got {options.jobs}")
    if options.seeds is not None and options.seeds < 1:
        raise UserError(f"--seeds is at least 1, got {options.seeds}")
    out = options.out or Path("runs") / name
    results = options.results or out / "results"
    page = options.leaderboard or out / "leaderboard.md"
    if options.reproduce and (options.pretrained or options.leaderboard):
        raise UserError("--reproduce writes learning curves alone; leave out --pretrained and --leaderboard")
    for algorithm in {entry.algorithm for entry in plan}:
        training().load(algorithm)  # which says what is not installed
    if options.reproduce:
        to_compare = committed(options.reproduce, plan, options)
        prepare(page, [out, results])
        return reproduce(to_compare, out, results, options)
    prepare(page, [out, results, *([options.pretrained] if options.pretrained else [])])
    for (entry, _), submission in trained(runs(plan, options), out, options):
        keep_curve(submission, results)
        score(entry.task, submission, results, options)
    for task in tasks:
        score(task, get_task(task).random_agent, results, options)
    if options.format != "table":  # the command below then only prints
        pages.write_pages(load_rankings(results), results, page)
    remark(f"to rank yours beside these: rlbench evaluate my_agent --results {shlex.quote(str(results))}", options)
    return leaderboard.run(leaderboard.LeaderboardOptions(results=results, output=page, format=options.format))


def prepare(page: Path, folders: list[Path]) -> None:
    """Make the folders, and see that the page can be written; UserError before any work where that is not so."""
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        whole_files.check_replaceable(page)
        whole_files.check_writable(page)
    except OSError as error:
        raise UserError(f"cannot write {str(error.filename).removesuffix('.part')}: {error.strerror}") from None


def agents_and_tasks(name: str) -> tuple[tuple[Entry, ...], list[str]]:
    """The agents of a plan, and the tasks on which the random agent is scored too: those of the suite of that name.

    Args:
        name: of a plan or a suite, in lower case.
    """
    suites = catalogue().suites
    if name not in PLANS and name not in suites:
        raise unknown("plan", name, {*PLANS, *suites})
    if name not in suites:
        return PLANS[name], list(dict.fromkeys(entry.task for entry in PLANS[name]))
    tasks = [task.key for task in suites[name]]
    return PLANS.get(name) or entries(name, tasks), tasks


def narrowed(plan: tuple[Entry, ...], tasks: list[str], options: RunOptions) -> tuple[tuple[Entry, ...], list[str]]:
    """The agents and tasks of a plan that were asked for; UserError for one that it does not have."""
    if not options.agent and not options.task:
        return plan, tasks
    keys = [find_task(name).key for name in options.task] or tasks
    known = {agent_of(entry): entry for entry in plan}
    for what, names, there in (("agent", options.agent, known), ("task", keys, tasks)):
        for name in names:
            if name not in there:
                raise unknown(f"{what} of the plan {options.plan}", name, there)
    wanted = options.agent or tuple(known)
    shown = tuple(entry for entry in plan if entry.task in keys and agent_of(entry) in wanted)
    if not shown:
        raise UserError(f"{', '.join(options.agent)} of the plan {options.plan} is not trained on {', '.join(keys)}")
    return shown, [key for key in tasks if key in keys]


def runs(plan: tuple[Entry, ...], options: RunOptions) -> list[tuple[Entry, int]]:
    """The training runs of a plan, as agents and training seeds."""
    return [(entry, seed) for entry in plan for seed in seeds_of(entry, options.seeds)]


def committed(folder: Path, plan: tuple[Entry, ...], options: RunOptions) -> list[tuple[Entry, int, Path]]:
    """The training runs of a plan of which a folder has the submission, with its weights; UserError where it has none.

    Args:
        folder: of submissions, as <task>/<agent>-s<seed>.
        plan: what is trained.
        options: of the command.
    """
    found = []
    for entry, seed in runs(plan, options):
        weights = folder / entry.task / f"{settings_of(entry, seed, options).agent}-s{seed}" / WEIGHTS
        found += [(entry, seed, weights)] if weights.is_file() else []
    if not found:
        raise UserError(f"{folder} has no submission of this plan, as <task>/<agent>-s<seed>/{WEIGHTS}")
    return found


def reproduce(to_compare: list[tuple[Entry, int, Path]], out: Path, results: Path, options: RunOptions) -> int:
    """Train again, compare the weights, and print a row per training run; 1 where weights differ, else 0.

    Equal weights prove that the run was the same one up to the evaluation whose weights were submitted.
    """
    rows = []
    for entry, seed, weights in to_compare:
        submission = train(entry, seed, out, options)
        same = (submission / WEIGHTS).read_bytes() == weights.read_bytes()
        if same:
            keep_curve(submission, results)
        verdict = "same" if same else "different"
        remark(f"{entry.task}/{weights.parent.name}: {verdict} weights", options)
        end = entries_of(submission)[-1]
        agent = settings_of(entry, seed, options).agent
        row = {"task": entry.task, "agent": agent, "seed": seed, "weights": verdict}
        rows.append({**row, "steps": end["steps"], "seconds": round(end["seconds"], 1)})
    print_table(table_of(rows), options.format)
    return int(any(row["weights"] != "same" for row in rows))


def settings_of(entry: Entry, seed: int, options: RunOptions) -> Any:
    """The settings of one training run."""
    device = options.device if options.device in devices(entry.algorithm) else "auto"  # tables know only the CPU
    return with_settings(entry.algorithm, entry.preset, seed=seed, task=entry.task, device=device)


def train(entry: Entry, seed: int, out: Path, options: RunOptions) -> Path:
    """The submission of one training, trained now unless it is there already."""
    settings = settings_of(entry, seed, options)
    folder = out / "training" / entry.task / f"{settings.agent}-s{seed}"
    submission = folder / "submission"
    if not (submission / "submission.toml").exists():
        began = time.perf_counter()
        training().run(entry.algorithm, settings, folder, quiet=silent(options))
        remark(f"{settings.agent}, seed {seed}: trained in {time.perf_counter() - began:.1f} s", options)
    if options.pretrained is not None:
        kept = options.pretrained / entry.task / f"{settings.agent}-s{seed}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(submission, kept)
    return Path(submission)


def trained(
    wanted: Sequence[tuple[Entry, int]], out: Path, options: RunOptions
) -> Iterator[tuple[tuple[Entry, int], Path]]:
    """Training runs with their submissions, in order; several train at once, each in a process of its own.

    Raises:
        UserError: One of them could not be trained; those before are there.
    """
    if options.jobs == 1:
        yield from ((run, train(*run, out, options)) for run in wanted)
        return
    pieces = [TrainRun(entry, seed, out, dataclasses.replace(options, quiet=True)) for entry, seed in wanted]
    with (
        executor_of("processes", options.jobs, len(pieces)) as executor,
        progress(counted(len(pieces), "training run"), quiet=silent(options)) as show,
    ):
        for number, result in enumerate(in_order(executor, pieces)):
            if isinstance(result, Exception):
                raise result
            show((number + 1) / len(pieces), number + 1, "training runs")
            yield wanted[number], result


@dataclass(frozen=True)
class TrainRun:
    """The work of one training run, on one thread."""

    entry: Entry
    seed: int
    out: Path
    options: RunOptions

    def __str__(self) -> str:
        return f"training run of {self.entry.algorithm} on {self.entry.task}, seed {self.seed}"

    def __call__(self, kept: Kept) -> Path:
        """Train; the folder of the submission."""
        with one_blas_thread(), torch_threads(1) if "torch" in sys.modules else contextlib.nullcontext():
            return train(self.entry, self.seed, self.out, self.options)


def entries_of(submission: Path) -> list[dict[str, Any]]:
    """The entries of the learning curve of the training run that a submission came from."""
    entries: list[dict[str, Any]] = learning_curves().read(submission.parent / learning_curves().CURVE)
    return entries


def keep_curve(submission: Path, results: Path) -> None:
    """Keep the learning curve of the training run that a submission came from beside the records."""
    curves.keep(entries_of(submission), results)


def devices(algorithm: str) -> tuple[str, ...]:
    """The devices that an algorithm's settings take."""
    return get_args(get_type_hints(type(next(iter(training().load(algorithm).PRESETS.values()))))["device"])


def score(task: str, submission: Path | str, results: Path, options: RunOptions) -> None:
    """Evaluate a submission on a task, unless that is done already."""
    path = evaluate(get_task(task), submission, results, jobs=options.jobs, quiet=silent(options))
    remark(f"scored {path.stem} on {task}", options)
