"""Round robins: colours and openings are balanced, and the file of games goes on where it stopped."""

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from rlbench.errors import UserError
from rlbench.gtp.tournament import GameRow, GamesFile, fixtures, points_table, read_games

PLAYERS = ("a", "b", "c")


def planned(games=8, seed=0, players=PLAYERS):
    return list(fixtures(players, games, openings=3, size=5, komi=24.5, seed=seed))


def row(fixture, winner="black"):
    versions = {"black_version": "1", "white_version": "2"}
    return GameRow(**vars(fixture), winner=winner, score="3.5", turns=20, ending="passes", **versions)


def test_every_pair_plays_both_colours_of_an_opening_before_the_next():
    games = [(each.black, each.white, each.opening) for each in planned() if "c" not in (each.black, each.white)]
    assert games == [
        *(("a", "b", 0), ("b", "a", 0), ("a", "b", 1), ("b", "a", 1)),
        *(("a", "b", 2), ("b", "a", 2), ("a", "b", 0), ("b", "a", 0)),
    ]
    assert len({frozenset((each.black, each.white)) for each in planned()[:3]}) == 3
    assert Counter(each.black for each in planned()) == dict.fromkeys(PLAYERS, 8)


def test_every_game_has_a_seed_of_its_own_which_stays_when_others_play_too():
    seeds = [each.seed for each in planned()]
    assert len(set(seeds)) == len(seeds)
    assert max(seeds) < 2**30
    assert seeds == [each.seed for each in planned()]
    assert seeds != [each.seed for each in planned(seed=1)]
    assert set(planned(players=("a", "b"))) < set(planned())
    assert set(planned(games=4)) < set(planned())


def test_points_are_one_for_a_win_and_half_for_a_draw():
    (ab, ac, bc), (ba, *_) = planned()[:3], planned()[3:]
    rows = [row(ab), row(ac, "nobody"), row(bc, "white"), row(ba, "white")]
    assert points_table(rows, PLAYERS).tolist() == [[0, 2, 0.5], [0, 0, 0], [0.5, 1, 0]]


def test_a_file_holds_the_games_and_goes_on(tmp_path):
    path = tmp_path / "new" / "games.csv"
    first, second, third = map(row, planned()[:3])
    with GamesFile(path) as file:
        file.add(first)
        file.add(second)
    with path.open("ab") as torn:
        torn.write(b"5,24.5,a,c,0,12")
    assert read_games(path) == [first, second]
    with GamesFile(path) as again:
        assert again.rows == [first, second]
        again.add(third)
    assert read_games(path) == [first, second, third]
    assert [each.fixture for each in read_games(path)] == planned()[:3]
    assert len(path.read_text(encoding="utf-8").splitlines()) == 4


def test_names_of_players_may_hold_commas(tmp_path):
    played = dataclasses.replace(row(planned()[0]), black='gtp:x --set "a, b"')
    with GamesFile(tmp_path / "games.csv") as file:
        file.add(played)
    assert read_games(tmp_path / "games.csv") == [played]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "is no file of games: its columns are not size, komi"),
        ("{header}5,x,a,b,0,1,black,3.5,20,passes,1,2\n", "line 2: no game; restore the file or give another --output"),
        ("{header}5,24.5,a,b,0,1,red,3.5,20,passes,1,2\n", "line 2: no game"),
        ("{header}5,24.5,a\n", "line 2: no game"),
    ],
)
def test_another_file_is_refused_and_left_alone(tmp_path, text, message):
    path = tmp_path / "games.csv"
    header = ",".join(field.name for field in dataclasses.fields(GameRow)) + "\n"
    path.write_text(text.format(header=header), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(UserError, match=message):
        GamesFile(path)
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_named():
    with pytest.raises(UserError, match=r"cannot write /proc/no/games\.csv"):
        GamesFile(Path("/proc/no/games.csv"))


def test_one_match_at_a_time_writes_a_file(tmp_path):
    path = tmp_path / "games.csv"
    first, second, _ = map(row, planned()[:3])
    with GamesFile(path) as file:
        file.add(first)
        before = path.read_bytes()
        with pytest.raises(UserError, match=r"games\.csv is being written by another match; wait for it, or stop it"):
            GamesFile(path)
        assert path.read_bytes() == before
        file.add(second)
    assert read_games(path) == [first, second]
    with GamesFile(path) as file:
        assert file.rows == [first, second]


def test_what_is_no_file_is_refused_and_left_alone():
    with pytest.raises(UserError, match=r"cannot write /dev/null: it is no file; give another --output"):
        GamesFile(Path("/dev/null"))
    assert Path("/dev/null").is_char_device()
