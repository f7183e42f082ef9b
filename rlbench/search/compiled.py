"""The compiled loops of a search over N games: the text of the rules and of the search, and the loops around them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from rlbench.core.compiler.compile import compiled_text
from rlbench.core.compiler.template import joined_source
from rlbench.core.world import World
from rlbench.search import descent
from rlbench.search.tree import SearchTree

LOOPS = '''

def make_tree(i, {trees}):
    """The tree of game i."""
    return SearchTree({tree})


def copy_values(target, source):
    """Copy an array of one axis or two."""
    if target.ndim == 2:
        for j in range(target.shape[0]):
            for k in range(target.shape[1]):
                target[j, k] = source[j, k]
    else:
        for k in range(target.shape[0]):
            target[k] = source[k]


def play_path(i, path, depth, params, {copies}{memory}{fields}):
    """The state of game i after the actions of a path, made of copies of its arrays."""
    thread = 0
    {copy}
    state = State({copied})
    for k in range(depth):
        state = turn(state, path[1, k], params{work})
    return state


def observe_row(i, state, params, {memory}{observations}):
    """Write the observation of a state as row i."""
    thread = 0
    observe(state, params, {out}{work})


def exact_value(state):
    """z of a game that has ended, for the player to move."""
    return float(state.winner if state.to_move == 1 else -state.winner)


def search_until_leaves(
    {params}, {copies}{memory}{fields}, {trees}, {roots}, spent, budget, constants, games, {observations}
):
    """Descend in every game until a position must be evaluated, and write its observation; how many there are.

    Descents to ends of the game are backed up at once. `games` tells of each row whose it is.
    """
    params = Params({params})
    constants = Constants(*constants)
    rows = 0
    for i in range(len(spent)):
        tree, root = make_tree(i, {trees}), Root({root})
        while tree.sizes[0] == 0 or spent[i] < budget[i]:
            tree.sizes[1], node = 0, ABSENT
            if tree.sizes[0] > 0:
                node = descend(tree, root, spent[i], constants)
            if node != ABSENT:
                backup(tree, tree.v[node])
                spent[i] += 1
                continue
            state = play_path(i, tree.path, tree.sizes[1], params, {copies}{memory}{fields})
            if not terminated(state, params):
                observe_row(rows, state, params, {memory}{observations})
                games[rows] = i
                rows += 1
                break
            node = new_node(tree, exact_value(state), True)
            if node == 0:
                budget[i] = 0
            else:
                backup(tree, tree.v[node])
                spent[i] += 1
    return rows


def take_evaluations({trees}, {roots}, spent, budget, explores, constants, games, logits, values, masks):
    """Put the evaluated positions into their trees and back their values up; row by row as `games` says."""
    constants = Constants(*constants)
    for row in range(len(values)):
        i = games[row]
        tree, root = make_tree(i, {trees}), Root({root})
        node = new_node(tree, finite(values[row], 1.0), False)
        set_priors(tree, node, logits[row], masks[row])
        if node == 0:
            begin_root(tree, root, budget[i], explores[i], constants)
        else:
            backup(tree, tree.v[node])
            spent[i] += 1


def write_results({trees}, {roots}, constants, actions, policies, visits, values, root_values, variations):
    """What each search comes to; of a game that has ended the last action, and the result."""
    constants = Constants(*constants)
    for i in range(len(actions)):
        tree, root = make_tree(i, {trees}), Root({root})
        root_values[i] = mean_value(tree, 0)
        write_values(tree, visits[i], values[i])
        if tree.ended[0]:
            actions[i] = len(root.pi) - 1
            for action in range(len(root.pi)):
                policies[i, action] = action == len(root.pi) - 1
            write_variation(tree, ABSENT, variations[i])
            continue
        actions[i] = chosen_action(tree, root, constants)
        target_policy(tree, constants, root.pi)
        for action in range(len(root.pi)):
            policies[i, action] = root.pi[action]
        write_variation(tree, actions[i], variations[i])


for _name in ("make_tree", "copy_values", "play_path", "observe_row", "exact_value"):
    globals()[_name] = njit(error_model="numpy"{flags})(globals()[_name])
for _name in {entries}:
    globals()[_name] = njit(error_model="numpy", nogil=True{flags})(globals()[_name])
'''

ENTRIES = ("search_until_leaves", "take_evaluations", "write_results")
CALLED = ("descend", "puct_action", "interior_action", "root_action", "improve_policy", "begin_root")


def compiled_search(world: World) -> ModuleType:
    """The compiled module of a search over these rules, which have `turn`, and whose states have `winner`.

    `search_until_leaves`, `take_evaluations` and `write_results` are its loops.
    """
    text = joined_source(world, (descent,), CALLED, LOOPS, _filling(world))
    return compiled_text(f"search_{world.name.replace('.', '_')}", text, ENTRIES)


def _filling(world: World) -> dict[str, str]:
    """The parts of the loops that depend on the fields of the state and of the tree."""
    trees = {name: f"tree_{name}" for name in SearchTree._fields}
    roots = {name: f"root_{name}" for name in descent.Root._fields}
    state: Any = world.example_state()
    arrays = [name for name, value in state._asdict().items() if np.ndim(value)]
    copied = (f"copy_{name}" if name in arrays else f"field_{name}[i]" for name in state._fields)
    return {
        "trees": ", ".join(trees.values()),
        "tree": ", ".join(f"{array}[i]" for array in trees.values()),
        "roots": ", ".join(roots.values()),
        "root": ", ".join(f"{array}[i]" for array in roots.values()),
        "copies": "".join(f"copy_{name}, " for name in arrays),
        "copy": "\n".join(f"copy_values(copy_{name}, field_{name}[i])" for name in arrays),
        "copied": ", ".join(copied),
        "entries": repr(ENTRIES),
    }
