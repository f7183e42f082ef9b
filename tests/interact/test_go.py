"""Go played by a script of mouse and keys, watched with what an agent says of its moves, and in a real window."""

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench.drawing.window import Key, Mouse
from rlbench.envs.go.coordinates import from_gtp
from rlbench.envs.go.game_record import play_record, result_by_score
from rlbench.envs.go.picture import BoardLayout
from rlbench.envs.go.render import ansi
from rlbench.envs.go.sgf import read_sgf
from rlbench.envs.go.text import read_board
from rlbench.errors import UserError
from rlbench.harness.isolation.explain import Explanation
from rlbench.interact.episode import ShownEpisode, make
from rlbench.interact.layout import EpisodeView
from rlbench.interact.play import HumanPlay
from rlbench.interact.recorder import recorder
from rlbench.interact.screen import Screen
from rlbench.interact.scripted_keys import ScriptedKeys
from tests.envs.go.boards import board_read_from
from tests.interact.pictures import read_film, read_png


def at(vertex, size=5):
    """The pixel of a point, in a window that does not magnify."""
    return tuple(map(int, BoardLayout.of((size, size)).place(*divmod(from_gtp(vertex, (size, size)), size))))


def click(vertex):
    return [Mouse("down", *at(vertex), 1), Mouse("up", *at(vertex), 1)]


class Mice(ScriptedKeys):
    """A script of events instead of keys, whose user leaves at its end; every picture that is shown is kept."""

    def __init__(self, *batches):
        super().__init__([])
        self.batches, self.pictures = list(batches), []

    def show(self, frame):
        self.pictures.append(frame)

    def events(self):
        self.closed = not self.batches
        return self.batches.pop(0) if self.batches else []


def tap(key):
    return [Key(key, True), Key(key, False)]


def play(*batches, recording=None, **kwargs):
    """Both colours played by hand on 5x5."""
    env = gymnasium.make("rlbench/Go5x5-v0", opponent=None, render_mode="rgb_array", **kwargs)
    window = Mice(*batches)
    screen = Screen(2, window, recording)
    (episode,) = HumanPlay(env, screen).play(0)
    return episode, window.pictures, screen


def test_two_people_play_by_mouse_and_keys():
    moves = [click("C3"), tap("up"), tap("space"), click("D4"), tap("p"), tap("p")]
    episode, pictures, _ = play(*moves)
    names = [25 if vertex == "pass" else from_gtp(vertex, (5, 5)) for vertex in ("C3", "C4", "D4", "pass", "pass")]
    assert episode.actions == names
    assert (episode.terminated, episode.return_) == (True, 0.0)  # White passed last, and has lost
    drawn = ". . . . .\n. . O X .\n. . X . .\n. . . . .\n. . . . ."
    np.testing.assert_array_equal(board_read_from(pictures[-1], (5, 5)), read_board(drawn).stones)


def test_a_click_on_a_stone_changes_nothing_and_says_why():
    episode, _, screen = play(click("C3"), click("C3"))
    assert episode.actions == [12]
    assert not episode.over
    assert screen.notice == "C3 is illegal: there is a stone"


def test_the_stone_of_the_pointer_is_shown_and_not_recorded(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    with recorder(tmp_path / "film.gif", 2) as film:
        play([Mouse("move", *at("B2"), 0)], click("C3"), [Mouse("move", *at("E1"), 0)], [], recording=film)
    frames, _ = read_film(tmp_path / "film.gif")
    assert len(frames) == 2
    x, y = at("E1")
    assert np.abs(frames[0].astype(int) - frames[1])[y - 9 : y + 9, x - 9 : x + 9].max() < 40


def test_arrow_keys_move_the_stone_that_is_shown():
    _, pictures, screen = play(tap("left"), tap("left"), [])
    plain, middle, left = pictures[:3]
    x, y = at("C3")
    assert (plain[y + 9, x + 9] != middle[y + 9, x + 9]).any()
    assert (plain[y + 9, x + 9] == left[y + 9, x + 9]).all()
    assert screen.notice == ""


def test_what_an_agent_says_is_drawn_after_its_move():
    episode = ShownEpisode(make("rlbench/Go5x5-v0", {}), 3, {"colour": 0}, "alphago 1")
    before = episode.frame()
    assert episode.panel_content().player == "alphago 1, Black\nagainst random, White"
    shares = np.full(26, 0.2 / 24)
    shares[[12, 6]] = 0.7, 0.1
    episode.step(12, Explanation(probabilities=tuple(shares), value=0.8))
    said = episode.frame()
    assert said.shape == before.shape
    assert (said != episode.env.render()).any()
    x, y = at("B4")
    beside = y - 26, x + 9  # neither the number nor the line
    assert said[beside][0] < episode.env.render()[beside][0] - 30  # less red: it is blue
    episode.step(25)
    np.testing.assert_array_equal(episode.frame(), episode.env.render())


def test_an_engine_is_named_whoever_of_a_pool_plays():
    env = make("rlbench/Go5x5-v0", {"opponents": ("random", "mcts:3")})
    for number, name in enumerate(("random", "mcts:3")):
        episode = ShownEpisode(env, 3, {"colour": 1, "opponent": number}, "you")
        assert episode.panel_content().player == f"you, White\nagainst {name}, Black"
    alone = ShownEpisode(make("rlbench/Go5x5-v0", {"opponent": None}), 3, player="you")
    assert alone.panel_content().player == "you"


def stones_of(env):
    """The stones of an environment, as its text has them."""
    return read_board(ansi(env.unwrapped.state, env.unwrapped.params)).stones


@pytest.mark.parametrize("colour", [0, 1])
def test_a_recorded_game_is_a_file_that_plays_again(colour, tmp_path):
    env = make("rlbench/Go5x5-v0", {"opponents": ("random", "mcts:2")})
    path = tmp_path / "game.sgf"
    rng, openings = np.random.default_rng(colour), env.unwrapped.params.openings
    with recorder(path, 2) as recording:
        view = EpisodeView(Screen(2, None, recording), ())
        for opening in (0, 3):
            episode = ShownEpisode(env, 5, {"colour": colour, "opponent": 1, "opening": opening}, "a ] person")
            view.record(episode)
            while not episode.over:
                mask = env.unwrapped.state.legal
                episode.step(int(rng.choice(np.flatnonzero(mask))))
                view.record(episode)
            read = read_sgf(recording.written[-1])
            game = play_record(read)
            state = env.unwrapped.state
            np.testing.assert_array_equal(game.board, stones_of(env))
            assert len(game.moves) == state.turns
            first = (2 if opening else 0) + colour
            assert [action for action, _ in game.moves[: first - colour]] == openings[opening].tolist()[
                : first - colour
            ]
            assert game.moves[first] == (episode.actions[0], (1, -1)[first % 2])
            assert (read.black, read.white)[colour] == "a ] person"
            assert (read.white, read.black)[colour] == "mcts:2"
            assert read.result == result_by_score(state.score)
            assert game.setup == ()
    assert [each.name for each in recording.written] == ["game.sgf", "game-2.sgf"]


def test_a_game_that_is_left_and_one_that_is_lost_by_an_illegal_move(tmp_path):
    env = make("rlbench/Go5x5-v0", {"opponent": None})
    with recorder(tmp_path / "game.sgf", 2) as recording:
        view = EpisodeView(Screen(2, None, recording), ())
        for actions in ((12, 12), (12, 7)):
            episode = ShownEpisode(env, 5, player="two")
            view.record(episode)
            for action in actions:
                episode.step(action)
                view.record(episode)
    lost, left = (read_sgf(path) for path in recording.written)
    assert (lost.moves, lost.result) == (((12, 1),), "B+F")
    assert (left.moves, left.result) == (((12, 1), (7, -1)), "")


def test_a_game_from_a_given_state_has_a_setup(tmp_path):
    env = make("rlbench/Go5x5-v0", {"opponent": None})
    env.reset(seed=0)
    for action in (12, 7, 11, 6):
        env.step(action)
    state = env.unwrapped.state
    with recorder(tmp_path / "game.sgf", 2) as recording:
        view = EpisodeView(Screen(2, None, recording), ())
        episode = ShownEpisode(env, 0, {"state": state}, "two")
        view.record(episode)
        episode.step(0)
        view.record(episode)
    (read,) = map(read_sgf, recording.written)
    assert (read.setup, read.moves) == (((7, -1), (12, 1)), ((11, 1), (6, -1), (0, 1)))
    np.testing.assert_array_equal(play_record(read).board, stones_of(env))


def test_other_environments_have_no_such_file(tmp_path):
    with recorder(tmp_path / "game.sgf", 2) as recording:
        view = EpisodeView(Screen(2, None, recording), ())
        with pytest.raises(UserError, match=r"CartPole has no \.sgf, which is for Go"):
            view.record(ShownEpisode(make("rlbench/CartPole-v0", {}), 0))
    assert list(tmp_path.iterdir()) == []


def test_a_game_in_a_real_window(desk):
    """Black, by hand, against random: a click, one on a stone, a key; the screen shows what was played."""
    arguments = ("--options", "colour=0", "--seed", 0, "--json", "--record", "g.mp4")
    game = desk("play", "Go9x9", *arguments)
    game.click(*at("E5", 9))
    game.keys("c")
    first = read_png(game.until("rlbench-1.png"))
    assert board_read_from(first, (9, 9))[4, 4] == 1
    assert board_read_from(first, (9, 9)).sum() == 0
    game.click(*at("E5", 9))
    game.keys("c")
    second = read_png(game.until("rlbench-2.png"))
    width = BoardLayout.of((9, 9)).width
    apart = np.abs(first.astype(int) - second).max(axis=2)
    assert apart[:, :width].max() <= 16  # each file has colours of its own choice
    assert apart[:, width:].max() > 64  # the panel says why
    game.keys("Left", "space", "p", "Escape")
    code, (row,), _ = game.end()
    assert (code, row["length"], row["ended"]) == (0, 3, "unfinished")
    frames, fps = read_film(game.folder / "g.mp4")
    assert (len(frames), fps) == (4, 2.0)
    boards = [board_read_from(frame, (9, 9)) for frame in frames]
    assert [int((board == 1).sum()) for board in boards] == [0, 1, 2, 2]
