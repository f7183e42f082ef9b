"""Summaries of records: equal to the records, from the cache or not."""

from pathlib import Path

import numpy as np
import pytest

from rlbench.errors import UserError
from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.results import record, summaries

RESULTS = Path(__file__).parents[3] / "results" / "cart-pole@1"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "results" / "cart-pole@1").mkdir(parents=True)
    for path in sorted(RESULTS.glob("*.jsonl"))[:4]:
        (tmp_path / "results" / "cart-pole@1" / path.name).write_bytes(path.read_bytes())
    return tmp_path / "results"


class Cache(dict):
    def load(self, name):
        return self.get(name)

    def store(self, name, content):
        self[name] = content


def read(folder, cache):
    return summaries.load(folder, cache.load, cache.store, lambda path, run: "self-reported")


def same(some, others):
    fields = [{**vars(each), "returns": each.returns.tolist()} for each in some]
    return fields == [{**vars(each), "returns": each.returns.tolist()} for each in others]


def test_summaries_say_what_the_episodes_say(folder):
    found = read(folder, Cache())
    runs = collect_runs(record.load(folder))
    assert len(found) == len(runs) == 4
    by_digest = {run.digest: run for run in runs}
    for each in found:
        run = by_digest[each.digest]
        np.testing.assert_array_equal(each.returns, run.returns)
        assert (each.task, (each.agent, each.version), each.training_seed) == (run.task, run.agent, run.training_seed)
        assert (each.failed, each.complete, each.dynamics) == (run.failed, run.complete, run.dynamics)
        assert each.training_steps == run.training_steps


def test_the_cache_gives_the_same_and_only_changed_files_are_parsed(folder, monkeypatch):
    cache, parsed = Cache(), []
    first = read(folder, cache)
    parse = record.parse
    monkeypatch.setattr(record, "parse", lambda data, path: parsed.append(path.name) or parse(data, path))
    assert same(read(folder, cache), first)
    assert parsed == []
    changed = sorted(folder.rglob("*.jsonl"))[1]
    lines = changed.read_bytes().splitlines(keepends=True)
    changed.write_bytes(b"".join(lines[:52]))  # its footer and second block are gone
    second = read(folder, cache)
    assert parsed == [changed.name]
    assert [each.complete for each in second] == [True, False, True, True]
    changed.unlink()
    assert len(read(folder, cache)) == 3


def test_two_copies_of_a_record_are_two_runs(folder):
    path = sorted(folder.rglob("*.jsonl"))[0]
    path.with_name("copy@0.jsonl").write_bytes(path.read_bytes())
    assert len(read(folder, Cache())) == 5


def test_another_layout_of_the_cache_is_not_read(folder, monkeypatch):
    cache = Cache()
    first = read(folder, cache)
    monkeypatch.setattr(summaries, "LAYOUT", summaries.LAYOUT + 1)
    assert same(read(folder, cache), first)


def test_a_folder_that_is_not_there_is_a_line(tmp_path):
    with pytest.raises(UserError, match="no folder of results"):
        read(tmp_path / "nowhere", Cache())
