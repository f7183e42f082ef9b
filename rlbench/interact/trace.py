"""Traces: an episode as a file of JSON lines from which it can be played again, action by action.

    trace     which environment, with which arguments, seed and reset options; who played; with which versions
    (steps)   {"action": ...}, and "told": the agent's explanation, where it gave one
    end       return, length, how it ended, and the digest of the actions that a record of results holds too

Reading trusts nothing: every line is checked, and a replay is compared with the last line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from rlbench import environments, space_tree
from rlbench.errors import UserError, counted
from rlbench.harness.isolation import explain
from rlbench.harness.isolation.actions import InvalidActionError, as_array
from rlbench.harness.isolation.explain import Explanation
from rlbench.harness.play import actions_digest
from rlbench.harness.results import provenance
from rlbench.harness.tasks.task import refuse_commands
from rlbench.interact.episode import ShownEpisode, make
from rlbench.text_files import read_text
from rlbench.whole_files import check_writable, replacing

SCHEMA = 1
MAX_BYTES = 1 << 30
FORBIDDEN = frozenset({"rules", "render", "render_mode"})  # arguments that name modules, which a file must not load


@dataclass(frozen=True)
class Trace:
    """One episode: what was done in it, and what came of it."""

    env_id: str
    kwargs: dict[str, Any]
    seed: int
    options: dict[str, Any] | None
    player: str
    actions: tuple[Any, ...]
    explanations: tuple[Explanation, ...]
    end: dict[str, Any]
    """return, length, terminated, truncated, digest."""


def check(path: Path) -> None:
    """Raise UserError for a file that cannot be written."""
    try:
        check_writable(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; give another file to --trace") from None


def save(episode: ShownEpisode, path: Path) -> None:
    """Write the trace of an episode.

    Raises:
        UserError: the file cannot be written.
    """
    spec = episode.env.spec
    if spec is None:
        raise ValueError("a trace is of a registered environment; this one has no id")
    registered = environments.spec(spec.id).kwargs
    head = {
        "kind": "trace",
        "schema": SCHEMA,
        "env": spec.id,
        **_module(spec.id),
        "kwargs": {k: v for k, v in spec.kwargs.items() if k not in FORBIDDEN and registered.get(k) != v},
        "seed": episode.seed,
        "options": episode.options,
        "player": episode.player,
        "packages": provenance.machine()["packages"],
    }
    lines = [head, *_steps(episode), {"kind": "end", **outcome(episode)}]
    try:
        with replacing(path) as scratch:
            scratch.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; give another file for the trace") from None


def _module(env_id: str) -> dict[str, str]:
    """The entry `module` of a trace: what registers the environment, where that is neither rlbench nor a package."""
    module, _, _ = environments.portable(env_id).rpartition(":")
    return {"module": module} if module else {}


def _how_to_have(head: Mapping[str, Any]) -> str:
    """The end of the message about an environment that is not here. A file says which module, and never imports it."""
    module = head.get("module")
    return f"; to import {module}, give --task={module}:{head['env']}" if isinstance(module, str) else ""


def outcome(episode: ShownEpisode) -> dict[str, Any]:
    """Return, length, how it ended, and digest of the actions: the last line of a trace."""
    leaves = space_tree.leaves(space_tree.describe(episode.env.action_space))
    actions = [
        np.array([space_tree.value_at(action, leaf.path) for action in episode.actions], leaf.wide).reshape(
            -1, *leaf.shape
        )
        for leaf in leaves
    ]
    return {
        "return": episode.return_,
        "length": len(episode.rewards),
        "terminated": episode.terminated,
        "truncated": episode.truncated,
        "digest": actions_digest(actions),
    }


def load(path: Path) -> Trace:
    """Read a trace.

    Raises:
        UserError: the file is no trace; says which line is wrong, and how.
    """
    lines = list(_lines(path))
    head = lines[0] if lines else {}
    if head.get("kind") != "trace":
        raise UserError(f"{path} is no trace: its first line does not begin one")
    if head.get("schema") != SCHEMA:
        raise UserError(f"{path} has schema {head.get('schema')}, this rlbench reads {SCHEMA}")
    for name, kind in (("env", str), ("kwargs", dict), ("seed", int), ("player", str)):
        if not isinstance(head.get(name), kind):
            raise UserError(f"{path}, line 1: {name} is {head.get(name)!r}, not {kind.__name__}")
    if lines[-1].get("kind") != "end":
        raise UserError(f"{path} is cut off: its last line, {len(lines)}, does not end the episode")
    if head["env"] not in gymnasium.registry:
        environments.load_packages()
    if head["env"] not in gymnasium.registry:
        raise UserError(f"{path} is of {head['env']!r}, which this rlbench does not have{_how_to_have(head)}")
    if forbidden := sorted(FORBIDDEN & set(head["kwargs"])):
        raise UserError(f"{path}, line 1: a trace may not set {forbidden[0]!r}")
    refuse_commands(f"{path}, line 1", list(head["kwargs"].values()))
    steps = lines[1:-1]
    for number, step in enumerate(steps, start=2):
        if "action" not in step:
            raise UserError(f"{path}, line {number}: no action")
    if lines[-1].get("length") != len(steps):
        length = lines[-1].get("length")
        raise UserError(f"{path} has {counted(len(steps), 'action')}, its end says {length}; lines are missing")
    return Trace(
        env_id=head["env"],
        kwargs=head["kwargs"],
        seed=head["seed"],
        options=head.get("options"),
        player=head["player"],
        actions=tuple(step["action"] for step in steps),
        explanations=tuple(_explanation(step.get("told")) for step in steps),
        end={name: value for name, value in lines[-1].items() if name != "kind"},
    )


def replay(trace: Trace, path: Path) -> Iterator[ShownEpisode]:
    """Play the episode of a trace again; it is yielded before the first step and after each.

    Args:
        trace: what to play.
        path: its file, for messages.

    Raises:
        UserError: it cannot be played, such as an action that the environment does not take.
    """
    env = make(trace.env_id, trace.kwargs)
    description = space_tree.describe(env.action_space)
    try:
        episode = ShownEpisode(env, trace.seed, trace.options, trace.player)
        yield episode
        for number, (action, each) in enumerate(zip(trace.actions, trace.explanations, strict=True), start=2):
            if episode.over:
                raise UserError(f"{path}, line {number}: an action after the end of the episode")
            episode.step(_action(action, description, f"{path}, line {number}"), each)
            yield episode
    except (gymnasium.error.Error, ValueError, TypeError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from None
    finally:
        env.close()


def differences(trace: Trace, episode: ShownEpisode) -> list[str]:
    """How a replay differs from its trace, one line per difference; empty where it is the same episode.

    Args:
        trace: what was recorded.
        episode: its replay.
    """
    got = outcome(episode)
    return [f"{name} {trace.end.get(name)!r}, now {got[name]!r}" for name in got if trace.end.get(name) != got[name]]


def _steps(episode: ShownEpisode) -> Iterator[dict[str, Any]]:
    for action, each in zip(episode.actions, episode.explanations, strict=True):
        plain = each.plain()
        yield {"action": action} | ({"told": plain} if plain else {})


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file, each an object."""
    for number, line in enumerate(read_text(path, "trace", MAX_BYTES).splitlines(), start=1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise UserError(f"{path}, line {number}: not JSON, so this is no trace or a damaged one") from None
        if not isinstance(value, dict):
            raise UserError(f"{path}, line {number}: {type(value).__name__}, not an object")
        yield value


def _explanation(plain: Any) -> Explanation:
    """The explanation of one step, checked as what comes from an agent's process is."""
    rows = {name: [row] for name, row in plain.items()} if isinstance(plain, dict) else None
    return explain.decode(json.dumps(rows).encode(), 1)[0]


def _action(action: Any, description: space_tree.Description, where: str) -> Any:
    """The action of a line as the environment takes it."""
    leaves = tuple(space_tree.leaves(description))
    try:
        arrays = [as_array(action, leaf, leaf.shape) for leaf in leaves]
    except InvalidActionError as error:
        raise UserError(f"{where}: {error}") from None
    values = (array.astype(leaf.dtype)[()] for array, leaf in zip(arrays, leaves, strict=True))
    return space_tree.unflatten(description, values)
