"""`rlbench show`: draw an environment's first frame, or a grid world's policy, values and action values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import gymnasium
import numpy as np
import tyro
from PIL import Image as Pillow
from tyro.conf import Positional

from rlbench import environments
from rlbench.charts import matplotlib_settings
from rlbench.commands.grid_world import picture, text
from rlbench.commands.grid_world.solution import solve
from rlbench.commands.shared.lookup import env_kwargs, find_environment, maze_text
from rlbench.commands.shared.output import Format, Output, Quiet, print_table, remark, table_of, write
from rlbench.drawing.shapes import Image
from rlbench.errors import UserError, counted, one_line, unknown
from rlbench.interact.episode import make
from rlbench.testing import ConformanceError, check_env, check_vector_env
from rlbench.whole_files import replacing

FRAME_FORMATS = (".png",)
PolicyName = Literal["random", "optimal"]
POLICY_FORMATS = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class ShowOptions:
    """Draw an environment's first frame, or with --policy a grid world's policy, V and Q."""

    env: Annotated[Positional[str], tyro.conf.arg(metavar="ENV")]
    """Environment: GridWorld, CartPole, a full id such as rlbench/GridWorld-v0, or a task such as cart-pole@1."""
    policy: PolicyName | None = None
    """Policy of a grid world to evaluate and draw."""
    output: Output = Path("show.png")
    """Where the picture goes (.png; a policy also as .svg or .pdf)."""
    set: tuple[str, ...] = ()
    """Arguments of the environment: --set maze=8x8 slip=0.1."""
    maze: str | None = None
    """Maze: its name (4x4, 8x8, four-rooms), a drawing such as 'S..|.#.|..T', or a text file with one, where '#' is a
    wall, 'T' terminal, 'S' a start, '.' free. The same as --set maze=MAZE."""
    slip: float | None = None
    """Probability in [0, 1] that a move goes another way; the environment's own by default. The same
    as --set slip=SLIP."""
    gamma: float = 1.0
    """Discount of the values, in [0, 1]."""
    state: tuple[str, ...] = ()
    """State to draw, as name=value for some of its fields: --state x=1.2 theta=0.1; arrays as name=1,2,3."""
    seed: int = 0
    """Seed of the first frame."""
    check: bool = False
    """Draw nothing; check what users of Gymnasium rely on, of the environment and of its batch: spaces, types, seeds,
    time limits, frames."""
    quiet: Quiet = False
    """Print nothing but mistakes."""
    format: Format = "table"


def run(options: ShowOptions) -> int:
    """Draw the frame, or the policy; 0. Raises UserError for what cannot be drawn. 1 where a check fails."""
    env_id, kwargs = find_environment(options.env)
    if options.check:
        return conforms(env_id, kwargs | given_kwargs(options), options)
    check_suffix(options.output, POLICY_FORMATS if options.policy else FRAME_FORMATS)
    env = make(env_id, kwargs | given_kwargs(options))
    try:
        if options.policy is None:
            save_frame(first_frame(env, options.seed, options.state), options.output)
            if options.format != "table":
                made = {"env": env_id, "seed": options.seed, "file": str(options.output)}
                print_table(table_of([made]), options.format)
        else:
            show_policy(env, env_id, options.policy, options)
    finally:
        env.close()
    remark(f"wrote {options.output}", options)
    return 0


def conforms(env_id: str, kwargs: dict[str, Any], options: ShowOptions) -> int:
    """Check an environment, and its batch if it has one of its own; 1 where one breaks a promise, else 0.

    Args:
        env_id: its id, with the module that registers it if it needs one.
        kwargs: its arguments.
        options: of the command.
    """
    make(env_id, kwargs).close()  # an argument that it does not take is a mistake of the user
    name = environments.registered(env_id)
    has_batch = gymnasium.spec(name).vector_entry_point is not None
    row = {
        "env": env_id,
        "single": "unchecked",
        "batch": "unchecked" if has_batch else "none of its own",
        "broken": None,
    }
    try:
        check_env(name, **kwargs)
        row["single"] = "kept"
        if has_batch:
            check_vector_env(name, **kwargs)
            row["batch"] = "kept"
    except ConformanceError as broken:
        row |= {"batch" if row["single"] == "kept" else "single": "broken", "broken": one_line(broken)}
    print_table(table_of([row]), options.format)
    return int(row["broken"] is not None)


def show_policy(env: gymnasium.Env[Any, Any], env_id: str, policy: PolicyName, options: ShowOptions) -> None:
    """Write the picture of a grid world's policy and print its values.

    Args:
        env: a grid world.
        env_id: its id, for the title.
        policy: its name.
        options: of the command.
    """
    world: Any = env.unwrapped
    if not hasattr(getattr(world, "params", None), "walls") or not hasattr(world, "P"):
        raise UserError(f"--policy draws grid worlds; {env_id} has no exact model on a grid")
    solution = solve(world.P, world.params.walls, world.params.terminal, policy, options.gamma)
    name = f"{env_id} with {Path(options.maze).name}" if options.maze else env_id
    title = f"{name}: {policy} policy, gamma {options.gamma:g}, slip {world.params.slip:g}"
    with matplotlib_settings():
        save(picture.draw(solution, title).savefig, options.output)
    if options.format != "table":
        print_table(table_of(solution.rows()), options.format, title)
    elif not options.quiet:
        write(text.draw(solution, title) + "\n")


def first_frame(env: gymnasium.Env[Any, Any], seed: int, fields: Sequence[str]) -> Image:
    """The frame after a reset.

    Args:
        env: the environment.
        seed: seed of the reset.
        fields: `name=value`, changes of the state.

    Raises:
        UserError: the environment refuses the seed, or the state.
    """
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
    """The name and the value of `name=value`: a number, or for an array numbers with commas between them.

    Args:
        field: the word.
        state: the state before, by name of the field.
    """
    name, _, value = field.partition("=")
    if name not in state:
        raise unknown("field of the state", name, state)
    old = state[name]
    try:
        if isinstance(old, np.ndarray):
            return name, np.array(value.split(","), old.dtype).reshape(old.shape)
        return name, type(old)(value)
    except ValueError:
        kind = counted(old.size, "number") if isinstance(old, np.ndarray) else type(old).__name__
        raise UserError(f"--state {field}: {value!r} is not {kind}") from None


def given_kwargs(options: ShowOptions) -> dict[str, Any]:
    """Arguments of `gymnasium.make` from --set, --maze and --slip."""
    kwargs = env_kwargs(options.set)
    if options.maze is not None:
        kwargs["maze"] = maze_text(str(options.maze))
    if options.slip is not None:
        kwargs["slip"] = options.slip
    return kwargs


def save_frame(frame: Image, path: Path) -> None:
    """Write a frame as PNG."""
    save(Pillow.fromarray(frame).save, path)


def check_suffix(path: Path, formats: Sequence[str]) -> None:
    """Raise UserError for a file whose extension is none of these formats."""
    if path.suffix.lower() not in formats:
        raise UserError(f"cannot write {str(path)!r}: the supported formats are {', '.join(formats)}")


def save(write_to: Any, path: Path) -> None:
    """Call `write_to(file, format=...)`; where that fails, an older file stays.

    Args:
        write_to: writes the picture.
        path: where to.

    Raises:
        UserError: the path cannot be written.
    """
    try:
        with replacing(path) as scratch:
            write_to(scratch, format=path.suffix[1:].lower())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
