"""Verification: proves a record, block by block, in two ways, and says where it is not what comes out.

The submission plays again behind the sandbox, and its episodes are compared with the record, field by field. Its
actions are re-simulated in a clean process where no agent ever ran, as are those that were kept beside the record:
these prove it without the submission, and under any arithmetic.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rlbench.errors import LackingError, UserError
from rlbench.harness.blocks import play_isolated
from rlbench.harness.isolation.private_copy import private_copy
from rlbench.harness.open_run import without_spent_time
from rlbench.harness.proof import kept_actions
from rlbench.harness.proof.findings import Findings, Verification, header
from rlbench.harness.proof.resimulation import Actions, CleanProcess, mismatches
from rlbench.harness.results import record
from rlbench.harness.results.header import check_header
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
    quiet: bool = False,
    keep: bool = False,
) -> Verification:
    """Play a record again, re-simulate its actions, and compare.

    Args:
        path: The record.
        task: The task that it is of.
        entrant: The submission that it is of; None to re-simulate the kept actions alone.
        blocks: Number of blocks, from the first; None for all.
        quiet: Whether to show no progress.
        keep: Whether to keep the actions of the submission, where they are those of the record.

    Returns:
        The findings, those of an interrupted verification included. They end before the task's supplement where that
        needs a program which is not installed, and with the kept actions where there is no submission.

    Raises:
        UserError: The record is empty, or not of this task, submission and dynamics, or nothing could prove it.
    """
    run = record.read(path)
    if run is None or not run.blocks:
        raise UserError(f"{path} has no block that could be played again")
    kept = kept_actions.read(path)
    if entrant is not None:
        check_header(run.header, task, entrant, path, "the two cannot be compared")
    elif not kept:
        raise UserError(f"{path} has no kept actions, and there is no submission to play again")
    elif run.header["task_hash"] != task.hash:
        raise UserError(f"{path} was played on another {task.key} than this rlbench has; the two cannot be compared")
    last = len(run.blocks) if blocks is None else min(blocks, len(run.blocks))
    last = last if entrant is not None else min(last, len(kept))
    with ExitStack() as stack:
        entrant = entrant and stack.enter_context(private_copy(entrant))
        clean = stack.enter_context(CleanProcess())
        keeper = stack.enter_context(kept_actions.ActionsWriter(path, run.header)) if keep and entrant else None
        mine = header(path, run, entrant is not None)
        findings = stack.enter_context(Findings(path, mine, keeper.blocks if keeper else None))
        show = stack.enter_context(progress(f"{run.header['agent']} on {task.key}", quiet=quiet))
        for number in range(findings.found.blocks, last):
            show(number / last, findings.found.episodes, "episodes")
            try:
                line, actions = _compared(run, task, entrant, number, kept[number : number + 1], clean)
            except LackingError as error:
                if not task.is_supplement(number):
                    raise
                findings.found.lacking = str(error)
                break
            findings.add(line)
            if keeper and actions and not line["different"] and not line["unsound"]:
                keeper.append(number, actions)
    return findings.found


def _compared(
    run: Record, task: Task, entrant: Submission | None, number: int, kept: Sequence[list[Actions]], clean: CleanProcess
) -> tuple[dict[str, Any], list[Actions]]:
    """The line of a block, and the actions that the submission took.

    Args:
        run: The record.
        task: Of the record.
        entrant: Plays again; None for nobody.
        number: Of the block.
        kept: The kept actions of the block; empty where there are none.
        clean: Where actions are re-simulated.
    """
    recorded = {line["index"]: line for line in run.episodes if line["block"] == number}
    line: dict[str, Any] = {"kind": "block", "block": number, "episodes": len(recorded)}
    different: dict[int, list[str]] = {}
    unsound: dict[int, list[str]] = {}
    returns: list[float] = []
    actions: list[Actions] = []
    for episodes in kept:
        unsound = kept_actions.not_kept(recorded, episodes) or mismatches(recorded, clean.play(task, number, episodes))
    if entrant is not None:
        again, actions = _played_again(run, task, entrant, number)
        different = {e.index: words for e in again.episodes if (words := e.differences(recorded.get(e.index, {})))}
        returns = [episode.return_ for episode in again.episodes]
        for index, words in different.items():
            words += [_first_step(kept[0][i], actions[i]) for i in [list(recorded).index(index)] if kept and actions]
        if actions and (different or unsound or not kept):  # else what was re-simulated above is the same
            own = {episode.index: json.loads(json.dumps(episode.line())) for episode in again.episodes}
            unsound = {**mismatches(own, clean.play(task, number, actions)), **unsound}
    return {**line, "different": different, "unsound": unsound, "returns": returns}, actions


def _played_again(run: Record, task: Task, entrant: Submission, number: int) -> tuple[BlockResult, list[Actions]]:
    """A block of a record, played again, and its actions; none where the agent took no step.

    Raises:
        UserError: The agent, which could be loaded then, cannot be now.
    """
    steps: list[Actions] = []
    again = play_isolated(without_spent_time(task, run.blocks[:number]), entrant, number, steps=steps)
    if (again.fault or "").startswith("load_error") and not (run.blocks[number]["fault"] or "").startswith(
        "load_error"
    ):
        raise UserError(f"{entrant.folder} cannot be loaded here, so nothing is compared: {again.fault}")
    return again, kept_actions.split(steps, again) if steps else []


def _first_step(before: Actions, now: Actions) -> str:
    """Where two episodes' actions, as leaves [T, ...], part."""
    length = min(len(before[0]), len(now[0]))
    alike = [all(a[t].tobytes() == b[t].tobytes() for a, b in zip(before, now, strict=True)) for t in range(length)]
    step = alike.index(False) if False in alike else length
    return f"the first action that differs is that of step {step}"
