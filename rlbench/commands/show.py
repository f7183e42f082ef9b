"""`rlbench show`: an environment's first frame, or a grid world's policy, values and action values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
import pandas as pd
from tyro.conf import Positional

from rlbench.commands.grid_world import picture
from rlbench.commands.grid_world import text as show_text
from rlbench.commands.grid_world.solution import Solution, solve
from rlbench.commands.shared.lookup import find_id
from rlbench.commands.shared.output import Format, print_table, remark
from rlbench.drawing.shapes import Image
from rlbench.errors import UserError, unknown
from rlbench.interact.episode import make

FRAME_FORMATS = (".png",)
POLICY_FORMATS = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class ShowOptions:
    """Draw an environment's first frame, or with --policy a grid world's policy, V and Q."""

    env: Positional[str]
    """Environment: GridWorld, CartPole, or a full id such as rlbench/GridWorld-v0."""
    policy: Literal["random", "optimal"] | None = None
    """Policy of a grid world to evaluate and draw."""
    output: Path = Path("show.png")
    """Where the picture goes (.png; a policy also as .svg or .pdf)."""
    maze: Path | None = None
    """Maze drawn in a text file: '#' wall, 'T' terminal, 'S' start, '.' free."""
    slip: float | None = None
    """Probability in [0, 1] that a move goes another way; the environment's own by default."""
    gamma: float = 1.0
    """Discount of the values, in [0, 1]."""
    state: tuple[str, ...] = ()
    """State to draw, as name=value for some of its fields: --state x=1.2 theta=0.1; arrays as name=1,2,3."""
    seed: int = 0
    """Seed of the first frame."""
    quiet: bool = False
    """Print nothing but mistakes."""
    format: Format = "table"


def run(options: ShowOptions) -> int:
    """Draw what was asked for; 0. Raises UserError for what cannot be drawn."""
    env_id = find_id(options.env)
    check_suffix(options.output, POLICY_FORMATS if options.policy else FRAME_FORMATS)
    env = make(env_id, env_kwargs(options))
    try:
        if options.policy is None:
            save_frame(first_frame(env, options.seed, options.state), options.output)
            if options.format != "table":
                made = {"env": env_id, "seed": options.seed, "file": str(options.output)}
                print_table(pd.DataFrame([made]), options.format)
        else:
            show_policy(env, env_id, options)
    finally:
        env.close()
    remark(f"wrote {options.output}", options)
    return 0


def show_policy(env: gymnasium.Env[Any, Any], env_id: str, options: ShowOptions) -> None:
    """Write the picture of a grid world's policy and print its values."""
    assert options.policy is not None
    world: Any = env.unwrapped
    if not hasattr(getattr(world, "params", None), "walls") or not hasattr(world, "P"):
        raise UserError(f"--policy draws grid worlds; {env_id} has no exact model on a grid")
    solution = solve(world.P, world.params.walls, world.params.terminal, options.policy, options.gamma)
    name = f"{env_id} with {options.maze.name}" if options.maze else env_id
    title = f"{name}: {options.policy} policy, gamma {options.gamma:g}, slip {world.params.slip:g}"
    write(picture.draw(solution, title).savefig, options.output)
    if options.format != "table":
        print_table(table(solution), options.format, title)
    elif not options.quiet:
        print(show_text.draw(solution, title))


def table(solution: Solution) -> pd.DataFrame:
    """The values as one row per cell that is no wall: row, col, terminal, policy, V, and Q of each action."""
    rows = []
    for row, col in solution.cells():
        q = dict(zip(("Q_up", "Q_right", "Q_down", "Q_left"), solution.Q[row, col].tolist(), strict=True))
        terminal = bool(solution.terminal[row, col])
        arrows = solution.arrows(row, col)
        rows.append({"row": row, "col": col, "terminal": terminal, "policy": arrows, "V": solution.V[row, col]} | q)
    return pd.DataFrame(rows)


def first_frame(env: gymnasium.Env[Any, Any], seed: int, fields: Sequence[str]) -> Image:
    """The frame after a reset, in the state that `name=value` fields change."""
    try:
        env.reset(seed=seed)
    except (TypeError, ValueError, gymnasium.error.Error) as error:
        raise UserError(f"--seed {seed}: {error}") from None
    world: Any = env.unwrapped
    try:
        if fields:
            state = world.state._asdict()
            world.state = state | dict(assignment(field, state) for field in fields)
        frame: Any = env.render()
    except (ValueError, IndexError, OverflowError) as error:
        raise UserError(f"--state {' '.join(fields)}: {error}") from None
    return frame  # type: ignore[no-any-return]  # rgb_array


def assignment(field: str, state: dict[str, Any]) -> tuple[str, Any]:
    """The name and the number of one `name=value`, or the numbers of a field that is an array, joined by commas."""
    name, _, text = field.partition("=")
    if name not in state:
        raise unknown("field of the state", name, state)
    old = state[name]
    try:
        if isinstance(old, np.ndarray):
            return name, np.array(text.split(","), old.dtype).reshape(old.shape)
        return name, type(old)(text)
    except ValueError:
        kind = f"{old.size} numbers" if isinstance(old, np.ndarray) else type(old).__name__
        raise UserError(f"--state {field}: {text!r} is not {kind}") from None


def env_kwargs(options: ShowOptions) -> dict[str, Any]:
    """What the options say about the environment itself, as arguments of `gymnasium.make`."""
    kwargs: dict[str, Any] = {} if options.slip is None else {"slip": options.slip}
    if options.maze is not None:
        try:
            kwargs["maze"] = options.maze.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise UserError(f"cannot read the maze {options.maze}: {reason}") from None
    return kwargs


def save_frame(frame: Image, path: Path) -> None:
    """Write a frame as PNG."""
    from matplotlib.image import imsave

    write(lambda target: imsave(target, frame), path)


def check_suffix(path: Path, formats: Sequence[str]) -> None:
    """UserError, with the formats that exist, for a file of another kind."""
    if path.suffix.lower() not in formats:
        raise UserError(f"cannot write {str(path)!r}: the supported formats are {', '.join(formats)}")


def write(save: Any, path: Path) -> None:
    """Call `save(path)`; UserError where the path cannot be written."""
    try:
        save(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
