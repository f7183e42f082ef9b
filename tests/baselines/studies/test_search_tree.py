"""The picture of a search tree: which nodes it shows, where they stand, and mistakes of whoever asks for it."""

import numpy as np
import pytest
from PIL import Image

from baselines.studies import search_tree
from baselines.studies.search_tree import SearchTreePicture, action_of, board, chosen_nodes, path, places
from rlbench.errors import UserError
from rlbench.search.files import SearchedGame
from rlbench.search.nodes import SearchNode
from rlbench.search.settings import SearchSettings
from tests.search import networks
from tests.search.positions import self_play


def node(parent, action, N):
    return SearchNode(parent, action, N, 0.0, 0.5, 0.0, False)


#         0
#    1    2    3      visits 5, 1, 3
#   4 5        6      visits 1, 3; 2
NODES = [node(-1, -1, 9), node(0, 3, 5), node(0, 4, 1), node(0, 5, 3), node(1, 0, 1), node(1, 1, 3), node(3, 2, 2)]


def test_most_visited_moves_are_shown():
    assert sorted(chosen_nodes(NODES, 2, 2)) == [0, 1, 3, 4, 5, 6]
    assert sorted(chosen_nodes(NODES, 1, 2)) == [0, 1, 5]
    assert sorted(chosen_nodes(NODES, 9, 1)) == [0, 1, 2, 3]
    assert path(NODES, 5) == [3, 1]


def test_parents_stand_above_the_middle_of_their_children():
    at = places(dict(enumerate(NODES)))
    assert len(set(at.values())) == len(NODES)
    assert at[1] == ((at[4][0] + at[5][0]) / 2, 1)
    assert at[3] == (at[6][0], 1)
    assert at[0] == ((at[1][0] + at[3][0]) / 2, 0)


def test_boards_are_those_of_the_moves():
    stones = np.zeros((3, 3), np.int8)
    stones[0, 2], stones[2, 0] = 1, -1
    np.testing.assert_array_equal(board(self_play(3, 1), [action_of("C3", 3), action_of("a1", 3), 9]), stones)


def test_the_picture_is_written(tmp_path):
    folder = networks.write(tmp_path / "agent", SearchedGame(3, 8.5, False, SearchSettings()))
    out = tmp_path / "tree.png"
    assert search_tree.main(SearchTreePicture(folder, ("B2",), simulations=12, out=out)) == 0
    with Image.open(out) as picture:
        assert min(picture.size) > 300


@pytest.mark.parametrize(
    ("moves", "message"),
    [(("D1",), "'D1' is no point of a board of 3x3"), (("B2", "B2"), "move 2 of the game is not legal")],
)
def test_moves_that_cannot_be_played(tmp_path, moves, message):
    folder = networks.write(tmp_path / "agent", SearchedGame(3, 8.5, False, SearchSettings()))
    with pytest.raises(UserError, match=message):
        search_tree.main(SearchTreePicture(folder, moves, out=tmp_path / "tree.png"))


def test_a_folder_without_an_agent(tmp_path):
    with pytest.raises(UserError, match=r"holds no agent that searches: graph.json is missing"):
        search_tree.main(SearchTreePicture(tmp_path))
