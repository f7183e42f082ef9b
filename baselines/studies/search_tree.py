"""The picture of a search tree: what an agent of a network looks at before a move of Go.

    python -m baselines.studies.search_tree baselines/pretrained/go5@1/alphazero-s0 --moves C3 D4

searches for the move after these and draws the tree. Every node is a board; below it stand N, the visits of the move
that led to it, and Q, the mean of the values that it led to, as the chance of its player to win. A thick line has many
visits. Of the moves at a node only those with most visits are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import gymnasium
import numpy as np
import tyro
from numpy.typing import NDArray

from baselines.studies.report import command
from rlbench.charts import matplotlib_settings
from rlbench.errors import ArgumentError, UserError, one_line
from rlbench.harness.layers import player as layers
from rlbench.harness.layers.graph import GraphError
from rlbench.search.batch import Search
from rlbench.search.files import SEARCH, SearchedGame, parse
from rlbench.search.nodes import SearchNode
from rlbench.whole_files import replacing

COLUMNS = "ABCDEFGHJKLMNOPQRST"
WIDTH, HEIGHT = 1.5, 1.9
"""Inches of a board's place."""


@dataclass(frozen=True)
class SearchTreePicture:
    """Draw the tree of a search for a move of Go."""

    agent: Annotated[Path, tyro.conf.Positional]
    """Folder of an agent with the entry rlbench:search."""
    moves: tuple[str, ...] = ()
    """Moves before, from the empty board on, such as C3 or pass."""
    simulations: int = 32
    """Of the search."""
    width: int = 3
    """Moves drawn at a node."""
    depth: int = 3
    """Moves drawn one after the other."""
    out: Path = Path("search-tree.png")
    """The picture."""


def main(options: SearchTreePicture) -> int:
    """Search and draw."""
    network, game = read(options.agent)
    envs = gymnasium.make_vec(
        "rlbench/Go9x9-v0", num_envs=1, size=game.size, komi=game.komi, suicide=game.suicide, opponent=None
    )
    played = [action_of(move, game.size) for move in options.moves]
    play(envs, played)
    base: Any = envs.unwrapped
    search = Search(base.params, 1, replace(game.settings, simulations=options.simulations))
    search.run(base.state, evaluation(network))
    shown = chosen_nodes(search.tree(), options.width, options.depth)
    boards = {number: board(envs, [*played, *path(search.tree(), number)]) for number in shown}
    draw(options.out, shown, boards)
    return 0


def read(folder: Path) -> tuple[layers.Player, SearchedGame]:
    """The network of an agent, and the game that it plays; a UserError for a folder that has none."""
    try:
        network = layers.Player(*layers.read(folder))
        return network, parse((folder / SEARCH).read_text(encoding="utf-8"))
    except (GraphError, ArgumentError, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{folder} holds no agent that searches: {one_line(error)}") from None


def evaluation(network: layers.Player) -> Any:
    """The network as a search calls it."""

    def evaluate(planes: NDArray[np.uint8], mask: NDArray[np.int8]) -> Any:
        network.act({"planes": planes, "action_mask": mask}, np.zeros(len(planes), np.bool_))
        outputs = network.outputs()
        return outputs["policy"], outputs["value"].reshape(len(planes))

    return evaluate


def action_of(move: str, size: int) -> int:
    """The action of a move such as C3, or of a pass; a UserError for what is none."""
    if move.lower() == "pass":
        return size * size
    column, row = COLUMNS.find(move[:1].upper()), move[1:]
    if not move or not 0 <= column < size or not row.isdecimal() or not 1 <= int(row) <= size:
        raise UserError(f"{move!r} is no point of a board of {size}x{size}; write moves like C3, or pass")
    return (size - int(row)) * size + column


def play(envs: Any, actions: Sequence[int]) -> None:
    """Play a game from its beginning."""
    observation, _ = envs.reset(seed=0)
    for number, action in enumerate(actions, start=1):
        if not observation["action_mask"][0, action]:
            raise UserError(f"move {number} of the game is not legal; take another for --moves")
        observation, _, ended, _, _ = envs.step(np.array([action]))
        if ended[0]:
            break


def board(envs: Any, actions: Sequence[int]) -> NDArray[np.int8]:
    """The stones after these actions, int8[n, n]: 1 for Black, -1 for White."""
    play(envs, actions)
    state = envs.unwrapped.state
    size = envs.unwrapped.params.rows
    points = state.stones[0].reshape(size + 2, size + 1)[1:-1, 1:]
    return np.array([0, 1, -1, 0], np.int8)[points]


def path(nodes: Sequence[SearchNode], number: int) -> list[int]:
    """The actions from the root to a node."""
    node = nodes[number]
    return [] if node.parent < 0 else [*path(nodes, node.parent), node.action]


def chosen_nodes(nodes: Sequence[SearchNode], width: int, depth: int) -> dict[int, SearchNode]:
    """The nodes to draw, by number: those with most visits below each, to a depth."""
    shown, level = {0: nodes[0]}, [0]
    for _ in range(depth):
        below = []
        for parent in level:
            children = [number for number, node in enumerate(nodes) if node.parent == parent]
            below += sorted(children, key=lambda number: -nodes[number].N)[:width]
        shown |= {number: nodes[number] for number in below}
        level = below
    return shown


def places(nodes: Mapping[int, SearchNode]) -> dict[int, tuple[float, int]]:
    """Where each node stands, (x, depth): leaves side by side, others above the middle of what is below them."""
    found: dict[int, tuple[float, int]] = {}
    next_leaf = 0.0

    def place(number: int, depth: int) -> float:
        nonlocal next_leaf
        below = [place(child, depth + 1) for child in nodes if nodes[child].parent == number]
        if not below:
            below, next_leaf = [next_leaf], next_leaf + 1
        found[number] = (below[0] + below[-1]) / 2, depth
        return found[number][0]

    place(0, 0)
    return found


def label(node: SearchNode, passes: bool) -> str:
    """What stands below a node."""
    chance = f"{50 + 50 * node.Q:.0f} %"
    if node.parent < 0:
        return f"N = {node.N}, V = {chance}"
    words = f"{'pass, ' if passes else ''}{'the end, ' if node.ended else ''}Q = {chance}"
    return f"N = {node.N}, P = {100 * node.P:.0f} %\n{words}"


def draw(out: Path, nodes: Mapping[int, SearchNode], boards: Mapping[int, NDArray[np.int8]]) -> None:
    """Write the picture."""
    at = places(nodes)
    columns, rows = 1 + max(x for x, _ in at.values()), 1 + max(depth for _, depth in at.values())
    with matplotlib_settings({"font.size": 7, "figure.dpi": 110}):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH * columns, HEIGHT * rows))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.35, -0.5))
        axes.axis("off")
        for number, node in nodes.items():
            x, depth = at[number]
            if node.parent >= 0:
                above, _ = at[node.parent]
                share = node.N / max(nodes[node.parent].N, 1)
                axes.plot([above, x], [depth - 1, depth], color="0.6", linewidth=0.5 + 6 * share, zorder=0)
            draw_board(axes, x, depth, boards[number], node)
            axes.text(
                x,
                depth + 0.36,
                label(node, node.action == boards[number].size),
                ha="center",
                va="top",
                backgroundcolor="white",
            )
        with replacing(out) as scratch:
            figure.savefig(scratch, format="png")


def draw_board(axes: Any, x: float, y: float, stones: NDArray[np.int8], node: SearchNode) -> None:
    """A small board around (x, y), whose last move has a red ring."""
    size = len(stones)
    half_x, half_y = 0.34, 0.34 * WIDTH / HEIGHT
    step_x, step_y = 2 * half_x / size, 2 * half_y / size
    axes.fill_between([x - half_x, x + half_x], y - half_y, y + half_y, color="#e0be89", zorder=1)
    lines = np.arange(size) - (size - 1) / 2
    ends = lines[[0, -1]]
    for k in lines:
        axes.plot(x + ends * step_x, [y + k * step_y] * 2, color="#5c4a2e", linewidth=0.5, zorder=2)
        axes.plot([x + k * step_x] * 2, y + ends * step_y, color="#5c4a2e", linewidth=0.5, zorder=2)
    for row, column in np.argwhere(stones).tolist():
        last = row * size + column == node.action
        axes.scatter(
            x + lines[column] * step_x,
            y + lines[row] * step_y,
            s=(0.8 * WIDTH * step_x * 72) ** 2,
            color="0.12" if stones[row, column] > 0 else "0.97",
            edgecolors="#d55e00" if last else "0.3",
            linewidths=1.6 if last else 0.4,
            zorder=3,
        )


if __name__ == "__main__":
    command(main, SearchTreePicture)
