"""Shards: parts of one evaluation, played apart, make the record that one evaluation makes."""

import dataclasses
import json

import pytest

from rlbench import cli
from rlbench.errors import UserError
from rlbench.harness import play_block
from rlbench.harness.evaluate import evaluate, evaluate_all
from rlbench.harness.joining import join
from rlbench.harness.merging import ADDED, CONFLICT, CONTINUED, REFUSED, THERE
from rlbench.harness.results import header, parts, record
from rlbench.harness.shards import Shard, parse
from rlbench.harness.tasks.suite import get_task

DRAWS = """
import numpy as np

class Agent:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def act(self, observation, first):
        return self.rng.integers(4, size=len(first))

def load(task, spaces, seed):
    return Agent(seed)
"""


@pytest.fixture
def grid():
    """Ten episodes of grid world in five blocks."""
    return dataclasses.replace(get_task("grid-world"), episodes=10, num_envs=2)


def play(pairs, folder, number, of, **more):
    """One shard of an evaluation, in a folder of its own; the paths of its parts."""
    shard = Shard(number, of)
    ended = list(evaluate_all(pairs, folder / f"shard{number}", shard=shard, quiet=True, **more))
    return [each.outcome for each in ended]


def joined(folder, numbers, results):
    """What becomes of the parts of some shards: outcome and reason."""
    return [(each.outcome, each.why) for each in join([folder / f"shard{n}" for n in numbers], results)]


def same(one, other):
    """Whether two records say the same of their episodes."""
    a, b = record.read(one), record.read(other)
    return (a.complete, a.episodes, len(a.blocks)) == (b.complete, b.episodes, len(b.blocks))


def test_every_block_is_in_one_shard():
    counts = [5, 1, 0, 7]
    for of in (1, 2, 3, 20):
        shares = [Shard(number, of).blocks(counts) for number in range(1, of + 1)]
        for run, count in enumerate(counts):
            assert sorted(block for share in shares for block in share[run]) == list(range(count))
        sizes = [sum(map(len, share)) for share in shares]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "a/b", "1/0", "-1/2", "1/2/3"])
def test_what_is_no_shard(text):
    with pytest.raises(UserError, match="--shard is I/N"):
        parse(text)
    assert parse("2/8") == Shard(2, 8)


def test_shards_make_the_record_of_one_evaluation(grid, submit, tmp_path):
    agents = [submit(source=DRAWS, folder=f"s{seed}", training_seed=seed) for seed in range(2)]
    pairs = [(grid, agent) for agent in agents]
    for number in (3, 1, 2):
        for path in play(pairs, tmp_path, number, 3, jobs=2 if number == 1 else 1):
            assert path.exists()
    assert joined(tmp_path, (1, 2, 3), tmp_path / "results") == [(ADDED, "")] * 2
    for pair in pairs:
        whole = evaluate(*pair, tmp_path / "whole", quiet=True)
        path = tmp_path / "results" / grid.key / whole.name
        assert same(path, whole)
        a, b = (each.read_bytes().splitlines() for each in (path, whole))
        assert [strip(line) for line in a] == [strip(line) for line in b]
    assert joined(tmp_path, (1, 2, 3), tmp_path / "results") == [(THERE, "")] * 2
    assert [each.outcome for each in evaluate_all(pairs, tmp_path / "results", quiet=True)]


def strip(line):
    """A line of a record as bytes, without what differs from run to run."""
    fields = json.loads(line)
    timings = ("previous", "seconds", "load_seconds", "act_seconds")
    return json.dumps({name: value for name, value in fields.items() if name not in timings}).encode()


def test_what_is_there_is_joined_and_the_rest_later(grid, submit, tmp_path):
    pairs = [(grid, submit(source=DRAWS))]
    play(pairs, tmp_path, 1, 2)
    ((outcome, why),) = joined(tmp_path, (1,), tmp_path / "results")
    assert outcome == REFUSED
    assert why == "block 1 of 5 is missing: not all of the 2 shards are here"
    play(pairs, tmp_path, 2, 2)
    assert joined(tmp_path, (1, 2), tmp_path / "results") == [(CONTINUED, "")]
    (path,) = (tmp_path / "results").glob("*/*.jsonl")
    assert same(path, evaluate(*pairs[0], tmp_path / "whole", quiet=True))


def test_a_shard_that_was_interrupted_goes_on(grid, submit, tmp_path, monkeypatch):
    pairs = [(grid, submit(source=DRAWS))]
    original, calls = play_block.play_isolated, []

    def fails_at_the_second(task, entrant, number, **more):
        calls.append(number)
        if len(calls) == 2:
            raise UserError("the disk is full")
        return original(task, entrant, number, **more)

    monkeypatch.setattr(play_block, "play_isolated", fails_at_the_second)
    assert str(play(pairs, tmp_path, 1, 2)[0]) == "the disk is full"
    (path,) = play(pairs, tmp_path, 1, 2)
    assert calls == [0, 2, 2, 4]
    assert list(parts.read(path).blocks) == [0, 2, 4]
    data = path.read_bytes()
    path.write_bytes(data[:-9])  # half a line
    play(pairs, tmp_path, 1, 2)
    assert list(parts.read(path).blocks) == [0, 2, 4]
    path.write_bytes(data.replace(b'"length": ', b'"length": 1', 1))
    assert joined(tmp_path, (1,), tmp_path / "results")[0][1].startswith(f"{path}, line 3: damaged")


def test_shards_of_other_versions_are_refused_by_name(grid, submit, tmp_path, monkeypatch):
    folder = submit(source=DRAWS)
    new = header.new_header
    for what, change in {
        "packages": {"packages": {"numpy": "1.0"}},
        "python": {"python": "3.0.0"},
        "isolation": {"isolation": "process"},
        "task_hash": {"task_hash": "0" * 64},
    }.items():
        place = tmp_path / what
        play([(grid, folder)], place, 1, 2)
        monkeypatch.setattr(header, "new_header", lambda *arguments, by=change: merged(new(*arguments), by))
        (path,) = play([(grid, folder)], place, 2, 2)
        monkeypatch.undo()
        ((outcome, why),) = joined(place, (1, 2), place / "results")
        assert outcome == REFUSED
        assert f"{path} was made with another {what} than" in why
        assert "play that shard again" in why


def test_a_submission_that_was_changed_between_its_shards_is_named(grid, submit, tmp_path):
    """Other training runs of the agent are not, though their shards are missing as well."""
    short = dataclasses.replace(grid, episodes=2 * grid.num_envs)
    play([(short, submit(source=DRAWS))], tmp_path, 1, 2)
    play([(short, submit(source=DRAWS, training_seed=7))], tmp_path, 1, 2)
    (other,) = play([(short, submit(source=DRAWS, version="2"))], tmp_path, 2, 2)
    found = joined(tmp_path, (1, 2), tmp_path / "results")
    assert [outcome for outcome, _ in found] == [REFUSED] * 3
    words = f"; {other.name.partition('.part')[0]} has shards of the same run"
    assert sorted(words in why for _, why in found) == [False, False, True]


def merged(line, change):
    """A header with other values, also in its objects."""
    return {k: {**v, **change[k]} if isinstance(v, dict) and k in change else change.get(k, v) for k, v in line.items()}


def test_other_episodes_in_one_block_are_a_conflict(grid, submit, tmp_path):
    pairs = [(grid, submit("return np.array([int.from_bytes(os.urandom(1), 'big') % 4 for _ in first])"))]
    play(pairs, tmp_path, 1, 2)
    play(pairs, tmp_path / "again", 1, 2)
    folders = [tmp_path / "shard1", tmp_path / "again" / "shard1"]
    (found,) = join(folders, tmp_path / "results")
    assert found.outcome == CONFLICT
    assert "has other episodes in block 0 than another part" in found.why


def test_a_run_whose_time_is_up_goes_on_with_the_time_that_is_left(grid, submit, tmp_path, monkeypatch):
    original, left = play_block.play_isolated, []

    def takes_40_s(task, entrant, number, **more):
        left.append(task.total_seconds)
        return dataclasses.replace(original(task, entrant, number, **more), load_seconds=0.0, act_seconds=40.0)

    monkeypatch.setattr(play_block, "play_isolated", takes_40_s)
    pairs = [(dataclasses.replace(grid, total_seconds=100.0), submit(source=DRAWS))]
    for number in range(1, 6):
        play(pairs, tmp_path, number, 5)
    ((outcome, why),) = joined(tmp_path, range(1, 6), tmp_path / "results")
    assert outcome == REFUSED
    assert why == "with block 2 the agent has taken more than the 100 s of a whole run; `rlbench evaluate` goes on"
    (path,) = (tmp_path / "results").glob("*/*.jsonl")
    assert len(record.read(path).blocks) == 2
    evaluate(*pairs[0], tmp_path / "results", quiet=True)
    assert left == [100.0] * 5 + [20.0, -20.0, -60.0]
    assert record.read(path).complete


def test_on_the_command_line(submit, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = submit(source=DRAWS)
    play_shard = ["evaluate", str(folder), "--task", "grid-world", "--results", "shards", "--quiet", "--shard"]
    assert cli.main([*play_shard, "1/2"]) == 0
    assert cli.main(["merge", "shards"]) == 1
    assert "block 1 of 2 is missing: not all of the 2 shards are here" in " ".join(capsys.readouterr().out.split())
    assert cli.main([*play_shard, "2/2"]) == 0
    assert cli.main(["merge", "shards"]) == 0
    assert capsys.readouterr().out == "results: 1 continued\n"
    assert cli.main(["evaluate", str(folder), "--task", "grid-world", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["episodes"] == 140
    assert record.find(tmp_path / "shards") == record.candidates(tmp_path / "shards") == []  # parts are no records
    assert cli.main([*play_shard, "3/2"]) == 2
    assert "--shard is I/N, with I from 1 to N, such as 2/8; got 3/2" in capsys.readouterr().err
    assert cli.main([*play_shard, "1/2", "--traces"]) == 2
    assert "shards keep no actions" in capsys.readouterr().err
