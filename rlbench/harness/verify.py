"""Verification: proves a record, block by block, in two ways, and says where it is not what comes out.

The submission plays again behind the sandbox, and its episodes are compared with the record, field by field. Its
actions are re-simulated in a clean process where no agent ever ran, as are those that were kept beside the record:
these prove it without the submission, and under any arithmetic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlbench.errors import LackingError, UserError
from rlbench.harness.blocks import play_isolated
from rlbench.harness.executors.choice import executor_of
from rlbench.harness.executors.order import in_order
from rlbench.harness.isolation.private_copy import private_copy
from rlbench.harness.kept import Kept
from rlbench.harness.open_run import without_spent_time
from rlbench.harness.proof import kept_actions
from rlbench.harness.proof.findings import NOT_KEPT, Findings, Verification, header
from rlbench.harness.proof.resimulation import Actions, CleanProcess, mismatches
from rlbench.harness.results import bounds, record
from rlbench.harness.results.header import check_claims, check_header, check_task
from rlbench.harness.results.record import BlockResult, Record
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.progress import progress


def verify(
    path: Path,
    task: Task,
    entrant: Submission | None,
    blocks: int | None = None,
    *,
    jobs: int | None = 1,
    quiet: bool = False,
    keep: bool = False,
) -> Verification:
    """Play a record again, re-simulate its actions, and compare.

    Args:
        path: The record.
        task: The task that it is of.
        entrant: The submission that it is of; None to re-simulate the kept actions alone.
        blocks: Number of blocks, from the first; None for all.
        jobs: How many blocks are compared at once; None for one per core.
        quiet: Whether to show no progress.
        keep: Whether to keep the actions of the submission, where they are those of the record.

    Returns:
        The findings, those of an interrupted verification included. They end before the task's supplement where that
        needs a program which is not installed, and with the kept actions where there is no submission.

    Raises:
        UserError: The record is empty, or not of this task, submission and dynamics, or nothing could prove it.
            It is a `NotKeptError` where there are only kept actions, and not those of the record.
    """
    run = record.read(path)
    if run is None or not run.blocks:
        raise UserError(f"{path} has no block that could be played again; `rlbench evaluate` goes on with it")
    kept = kept_actions.read(path)
    if entrant is None and not kept:
        raise UserError(f"{path} has no kept actions, and there is no submission to play again")
    _check_comparable(path, run, task, entrant)
    foreign = bool(kept) and kept_actions.not_of(run, kept[: len(run.blocks)]) is not None
    if foreign and entrant is None:
        raise kept_actions.NotKeptError(f"{NOT_KEPT}; move them away")
    kept = [] if foreign else kept  # those of another run decide nothing
    last = len(run.blocks) if blocks is None else min(blocks, len(run.blocks))
    last = last if entrant is not None else min(last, len(kept))
    with ExitStack() as stack:
        entrant = entrant and stack.enter_context(private_copy(entrant))
        keeper = stack.enter_context(kept_actions.ActionsWriter(path, run.header)) if keep and entrant else None
        if keeper and foreign:
            keeper.cut(0)
        mine = header(path, run, entrant is not None)
        findings = stack.enter_context(Findings(path, mine, keeper.blocks if keeper else None))
        left = range(findings.found.blocks, last)
        executor = stack.enter_context(executor_of("processes", jobs, len(left)))
        show = stack.enter_context(progress(f"{run.header['agent']} on {task.key}", quiet=quiet))
        pieces = (comparison(run, task, entrant, number, kept[number : number + 1]) for number in left)
        for number, result in zip(left, in_order(executor, pieces), strict=True):
            show(number / last, findings.found.episodes, "episodes")
            if isinstance(result, LackingError) and task.is_supplement(number):
                findings.found.lacking = str(result)
                break
            if isinstance(result, Exception):
                raise result
            line, actions = result
            findings.add(line)
            if keeper and actions and not line["different"] and not line["unsound"]:
                keeper.append(number, actions)
    return findings.found


def _check_comparable(path: Path, run: Record, task: Task, entrant: Submission | None) -> None:
    """Raise UserError where a record is none of a task and a submission; arguments as of `verify`."""
    header = run.header
    if header["secret"] and task.secret_hash is None:
        raise UserError(f"{path} has seeds that were drawn from a secret; give it with --secret")
    if task.secret_hash is not None and header["secret"] != task.secret_hash:
        raise UserError(f"{path} has seeds that were not drawn from the secret that is given; give its own, or none")
    if entrant is not None:
        check_header(header, task, entrant, path, "the two cannot be compared")
        check_claims(header, entrant, path)
    else:
        check_task(header, task, path, "the two cannot be compared")
    if wrong := bounds.wrong_blocks(run, task):
        raise UserError(f"{path} is no record of {task.key}: {wrong}; move it away")


def comparison(
    run: Record, task: Task, entrant: Submission | None, number: int, kept: Sequence[list[Actions]]
) -> CompareBlock:
    """The work of comparing one block; arguments as of the class.

    What an agent had left of its time is what the record says, so that blocks do not depend on each other.
    """
    recorded = {line["index"]: line for line in run.episodes if line["block"] == number}
    limited, fault = without_spent_time(task, run.blocks[:number]), run.blocks[number]["fault"]
    return CompareBlock(limited, entrant, number, kept, recorded, fault)


@dataclass(frozen=True)
class CompareBlock:
    """The work of comparing one block of a record: its line in the findings, and the actions of the submission."""

    task: Task
    """With what the agent had left of the time for a whole run."""

    entrant: Submission | None
    """Plays again; None for nobody."""

    number: int
    kept: Sequence[list[Actions]]
    """The kept actions of the block; empty where there are none."""

    recorded: Mapping[int, Mapping[str, Any]]
    """The lines of its episodes in the record, by index."""

    fault: str | None
    """The agent's fault in the record."""

    def __str__(self) -> str:
        return f"{self.task.key}, block {self.number}"

    def __call__(self, kept: Kept) -> tuple[dict[str, Any], list[Actions]]:
        """Compare."""
        clean = kept.resource(CleanProcess)
        recorded = self.recorded
        line: dict[str, Any] = {"kind": "block", "block": self.number, "episodes": len(recorded)}
        impossible = {i: [wrong] for i, each in recorded.items() if (wrong := bounds.wrong_episode(each, self.task))}
        different: dict[int, list[str]] = {}
        unsound: dict[int, list[str]] = {}
        returns: list[float] = []
        actions: list[Actions] = []
        for episodes in self.kept:
            unsound = kept_actions.other_lengths(recorded, episodes)
            unsound = unsound or mismatches(recorded, clean.play(self.task, self.number, episodes))
        if self.entrant is not None:
            again, actions = self._played_again(self.entrant, kept)
            different = {e.index: words for e in again.episodes if (words := e.differences(recorded.get(e.index, {})))}
            returns = [episode.return_ for episode in again.episodes]
            for index, words in different.items():
                at = list(recorded).index(index)
                words += [_first_step(self.kept[0][at], actions[at])] if self.kept and actions else []
            if actions and (different or unsound or not self.kept):  # else what was re-simulated above is the same
                own = {episode.index: json.loads(json.dumps(episode.line())) for episode in again.episodes}
                unsound = {**mismatches(own, clean.play(self.task, self.number, actions)), **unsound}
        return {**line, "different": different, "unsound": {**impossible, **unsound}, "returns": returns}, actions

    def _played_again(self, entrant: Submission, kept: Kept) -> tuple[BlockResult, list[Actions]]:
        """The block, played again, and its actions; none where the agent took no step.

        Raises:
            UserError: The agent, which could be loaded then, cannot be now.
        """
        steps: list[Actions] = []
        again = play_isolated(self.task, entrant, self.number, steps=steps, kept=kept)
        if (again.fault or "").startswith("load_error") and not (self.fault or "").startswith("load_error"):
            raise UserError(f"{entrant.folder} cannot be loaded here, so nothing is compared: {again.fault}")
        return again, kept_actions.split(steps, again) if steps else []


def _first_step(before: Actions, now: Actions) -> str:
    """Where two episodes' actions, as leaves [T, ...], part."""
    length = min(len(before[0]), len(now[0]))
    alike = [all(a[t].tobytes() == b[t].tobytes() for a, b in zip(before, now, strict=True)) for t in range(length)]
    step = alike.index(False) if False in alike else length
    return f"the first action that differs is that of step {step}"
