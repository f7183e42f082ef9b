"""Re-simulation: a block's actions, played once more in a clean process where no agent ever ran.

An agent that got out of its sandbox might have written into the harness's process, and so into the environment that it
played. What it did there shows in the return, but not in its actions.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from rlbench import arithmetic, space_tree
from rlbench.children import INHERITED, child_environment, search_path
from rlbench.errors import HarnessError
from rlbench.harness.isolation.actions import ActionBounds
from rlbench.harness.isolation.agent import Act, AgentFault
from rlbench.harness.play import make_env, play
from rlbench.harness.results.record import EpisodeResult
from rlbench.harness.tasks.task import Task
from rlbench.process.system import standard_streams, waitable_children

Actions = list[space_tree.Array]
"""The actions of one episode of T steps, as leaves [T, ...] in the dtype of `Leaf.wide`."""

_BOOT = """
import sys
sys.path[:] = {path!a}
from rlbench.harness.proof import resimulation
resimulation.main()
"""


class CleanProcess:
    """A process in which no agent runs, for the blocks of one record; a context. It starts with the first block."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def play(self, task: Task, number: int, actions: Sequence[Actions]) -> list[dict[str, Any]]:
        """The lines of a block's episodes as these actions make them.

        An episode that goes on after its actions has the status `crash` and the length of the longest.

        Args:
            task: What is played.
            number: Of the block.
            actions: Those of each of its episodes.

        Raises:
            HarnessError: The process ended.
        """
        process = self._running()
        try:
            pickle.dump((task, number, actions), cast("IO[bytes]", process.stdin))
            cast("IO[bytes]", process.stdin).flush()
            reply = cast("IO[bytes]", process.stdout).readline()
        except BrokenPipeError:
            reply = b""
        if not reply:
            raise HarnessError(f"{task.key}, block {number} cannot be re-simulated: the process for it has ended")
        lines: list[dict[str, Any]] = json.loads(reply)
        return lines

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            path = [*search_path(), str(Path(__file__).resolve().parents[3])]
            with standard_streams(), waitable_children():
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _BOOT.format(path=path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    cwd=Path(sys.executable).anchor,  # where nothing is imported by chance
                    env=child_environment(INHERITED, **arithmetic.variables()),
                    start_new_session=True,  # Ctrl-C ends the harness, and this with it
                )
        return self._process

    def __enter__(self) -> CleanProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            with waitable_children():
                for pipe in (self._process.stdin, self._process.stdout):
                    cast("IO[bytes]", pipe).close()
                self._process.kill()
                self._process.wait()


def main() -> None:
    """Read blocks from standard input until it ends; write the episodes of each as a line of JSON."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what an environment prints is no reply
    while True:
        try:
            task, number, actions = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        replies.write(json.dumps([episode.line() for episode in resimulate(task, number, actions)]) + "\n")
        replies.flush()


def resimulate(task: Task, number: int, actions: Sequence[Actions]) -> list[EpisodeResult]:
    """The episodes of a block, in this process; arguments as of `CleanProcess.play`."""
    indices = task.block(number)
    env = make_env(task, len(indices), indices)
    try:
        bounds = ActionBounds(space_tree.describe(env.single_action_space))
        if not all(map(bounds.fit, actions)):
            return play(env, unfit, task, indices)[0]
        return play(env, scripted(actions, bounds), task, indices)[0]
    finally:
        env.close()


def unfit(observation: Any, first: NDArray[np.bool_]) -> list[space_tree.Array]:
    """An agent whose recorded actions are none of the environment's."""
    raise AgentFault("protocol", "the recorded actions are of another space")


def scripted(actions: Sequence[Actions], bounds: ActionBounds) -> Act:
    """An agent that takes these actions, and any valid ones in episodes that have come to the end of theirs."""
    lengths = np.array([len(leaves[0]) if leaves else 0 for leaves in actions])
    steps = iter(range(lengths.max(initial=0)))

    def act(observation: Any, first: NDArray[np.bool_]) -> list[space_tree.Array]:
        t = next(steps, None)
        if t is None:
            raise AgentFault("crash", "the recorded actions end here")
        last = np.minimum(t, lengths - 1)
        example = next(leaves for leaves in actions if leaves and len(leaves[0]))
        step = [
            np.array(
                [each[i][at] if at >= 0 else np.zeros_like(leaf[0]) for each, at in zip(actions, last, strict=True)]
            )
            for i, leaf in enumerate(example)
        ]
        bounds.replace(step, t >= lengths)
        return step

    return act


def mismatches(
    recorded: Mapping[int, Mapping[str, Any]], simulated: Sequence[Mapping[str, Any]]
) -> dict[int, list[str]]:
    """What re-simulation found otherwise than the record says, by episode.

    Of an episode that the agent failed, only that it was still running then can be simulated.

    Args:
        recorded: Lines of the record, by episode.
        simulated: Lines of the episodes of a block, as `CleanProcess.play` returns them.
    """
    found = {}
    for now in simulated:
        line = recorded[now["index"]]
        if line["status"] != "ok":
            over = now["status"] == "ok" and now["length"] < line["length"]
            wrong = [f"length {line['length']}, re-simulated {now['length']}"] if over else []
        else:
            wrong = [
                f"{name} {line.get(name)!r}, re-simulated {now[name]!r}" for name in now if line.get(name) != now[name]
            ]
        if wrong:
            found[now["index"]] = wrong
    return found
