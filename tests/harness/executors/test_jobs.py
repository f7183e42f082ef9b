"""Several blocks at once: the same lines as one after the other, whatever order they end in and whatever fails."""

import contextlib
import dataclasses
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from rlbench.errors import HarnessError, UserError
from rlbench.harness import open_run, play_block, submission
from rlbench.harness.blocks import agent_seed
from rlbench.harness.evaluate import evaluate, evaluate_all
from rlbench.harness.executors.choice import executor_of
from rlbench.harness.executors.processes import ProcessExecutor, shares
from rlbench.harness.open_run import OpenRun
from rlbench.harness.proof import kept_actions
from rlbench.harness.results import record
from rlbench.harness.results.writer import RecordWriter
from rlbench.harness.tasks.suite import get_task

SLOWEST_FIRST = """
import time

class Agent:
    def __init__(self, seed):
        self.seed = seed

    def act(self, observation, first):
        self.seed = (1103515245 * self.seed + 12345) % 2**31
        return [self.seed // 65536 % 4] * len(first)

def load(task, spaces, seed):
    time.sleep(seed % 5 / 20)
    return Agent(seed)
"""


@pytest.fixture
def grid():
    """Twelve episodes of grid world in six blocks."""
    return dataclasses.replace(get_task("grid-world"), episodes=12, num_envs=2)


def lines(path):
    """What two runs of the same thing have in common: everything but timings, and digests of lines with timings."""
    run = record.read(path)
    return run.complete, run.episodes, [(line["block"], line["fault"]) for line in run.blocks]


def test_blocks_that_end_in_any_order_make_the_same_record(grid, submit, tmp_path):
    folder = submit(source=SLOWEST_FIRST)
    one = evaluate(grid, folder, tmp_path / "one", quiet=True, traces=True)
    several = evaluate(grid, folder, tmp_path / "several", jobs=3, quiet=True, traces=True)
    assert lines(several) == lines(one)
    for a, b in zip(one.read_bytes().splitlines(), several.read_bytes().splitlines(), strict=True):
        if b'"kind": "episode"' in a:
            assert a.rpartition(b'"previous"')[0] == b.rpartition(b'"previous"')[0]
    assert kept_actions.path_of(several).read_bytes() == kept_actions.path_of(one).read_bytes()


def test_no_worker_waits_while_a_block_is_recorded(grid, tmp_path, monkeypatch):
    """Each that has ended has the next block, of the same run or of the next one, before its result is committed."""
    begun, at_commits = [], []
    submit, commit = ProcessExecutor.submit, RecordWriter.commit

    def noting_submit(self, name, work):
        begun.append(name)
        noting_submit.executor = self
        submit(self, name, work)

    def noting_commit(self, block):
        at_commits.append((noting_submit.executor.busy, len(begun)))
        commit(self, block)

    monkeypatch.setattr(ProcessExecutor, "submit", noting_submit)
    monkeypatch.setattr(RecordWriter, "commit", noting_commit)
    pairs = [(grid, "random"), (dataclasses.replace(grid, version=9), "random")]
    assert all(run.outcome.exists() for run in evaluate_all(pairs, tmp_path, jobs=2, quiet=True))
    assert len(at_commits) == len(begun) == 12
    assert all(busy == 2 or all_begun == 12 for busy, all_begun in at_commits)


def test_several_runs_at_once(grid, submit, tmp_path):
    """Also one that is malformed, one that fails at once, one that is there twice, and one that is done already."""
    agents = [submit(source=SLOWEST_FIRST, folder=f"s{seed}", training_seed=seed) for seed in range(3)]
    fails = submit("raise ValueError('a typo')", folder="fails", name="fails")
    evaluate(grid, agents[2], tmp_path / "results", quiet=True)
    pairs = [(grid, each) for each in [*agents, tmp_path / "nowhere", fails, agents[0]]]
    ended = list(evaluate_all(pairs, tmp_path / "results", jobs=4, quiet=True))
    wrong = sorted(str(each.outcome) for each in ended if isinstance(each.outcome, UserError))
    assert len(ended) == 6
    assert len(wrong) == 2
    assert wrong[0].startswith(f"{fails} on {grid.key}")
    assert "a typo" in wrong[0]
    assert "no submission at" in wrong[1]
    for each in agents:
        again = evaluate(grid, each, tmp_path / "again", quiet=True)
        assert lines(tmp_path / "results" / grid.key / again.name) == lines(again)
    assert not list((tmp_path / "results").glob("*/fails@*"))


def test_a_fault_in_a_later_block_is_scored_as_in_a_serial_run(grid, submit, tmp_path):
    failing = [agent_seed(grid, None, number) for number in (2, 4)]
    loaded = f"assert seed not in {failing}, 'no luck'; return Agent"
    folder = submit(source=SLOWEST_FIRST.replace("return Agent", loaded))
    one = evaluate(grid, folder, tmp_path / "one", quiet=True)
    several = evaluate(grid, folder, tmp_path / "several", jobs=3, quiet=True)
    assert lines(several) == lines(one)
    assert [line["fault"] is not None for line in record.read(one).blocks] == [False, False, True, False, True, False]


@dataclass(frozen=True)
class Once:
    """Work that ends in one of several ways."""

    how: str

    def __str__(self):
        return f"the work {self.how}"

    def __call__(self, kept):
        if self.how == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "fails":
            raise UserError("a mistake")
        return (lambda: None) if self.how == "cannot be pickled" else os.getpid()


def test_ends_of_work_in_processes():
    with ProcessExecutor(2) as executor:
        for how in ("dies", "fails"):
            executor.submit(how, Once(how))
        assert executor.free == 0
        found = dict(executor.next() for _ in range(2))
        executor.submit("again", Once("ends"))
        executor.submit("unheard", Once("cannot be pickled"))
        found |= dict(executor.next() for _ in range(2))
    assert str(found["dies"]).startswith("the work dies: the process that did it died of SIGKILL; what was recorded is")
    assert str(found["fails"]) == "a mistake"
    assert found["again"] != os.getpid()
    assert isinstance(found["unheard"], HarnessError)
    with contextlib.suppress(ProcessLookupError):
        os.kill(found["again"], 0)
        pytest.fail("a process is left")


@dataclass(frozen=True)
class Cores:
    """Work that says where it may be done."""

    def __call__(self, kept):
        return os.sched_getaffinity(0)


def test_processes_share_the_cores():
    assert shares({4, 1, 2}, 2) == [{1, 4}, {2}]
    assert shares({4, 1}, 3) == [{1, 4}] * 3
    mine = os.sched_getaffinity(0)
    with ProcessExecutor(len(mine)) as executor:
        for number in range(len(mine)):
            executor.submit(number, Cores())
        found = [executor.next()[1] for _ in mine]
    assert sorted(map(min, found)) == sorted(mine)
    assert {len(each) for each in found} == {1}
    assert os.sched_getaffinity(0) == mine


def test_one_job_is_done_by_this_process():
    with executor_of("processes", 4, pieces=1) as executor:
        executor.submit("here", Once("ends"))
        assert executor.next() == ("here", os.getpid())
    with pytest.raises(UserError, match="at least 1, got 0"):
        executor_of("processes", 0, pieces=1)


def test_a_worker_that_is_killed_costs_its_block_alone(grid, submit, tmp_path, monkeypatch):
    killed = tmp_path / "killed"
    play = play_block.play_isolated

    def kills_itself_in_block_3(task, entrant, number, **more):
        if number == 3 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return play(task, entrant, number, **more)

    monkeypatch.setattr(play_block, "play_isolated", kills_itself_in_block_3)
    folder = submit(source=SLOWEST_FIRST)
    with pytest.raises(UserError, match="block 3: the process that did it died of SIGKILL"):
        evaluate(grid, folder, tmp_path / "results", jobs=2, quiet=True)
    (path,) = (tmp_path / "results").glob("*/*.jsonl")
    assert len(record.read(path).blocks) == 3
    evaluate(grid, folder, tmp_path / "results", jobs=2, quiet=True)
    assert lines(path) == lines(evaluate(grid, folder, tmp_path / "whole", quiet=True))


def test_blocks_are_not_begun_ahead_when_the_time_for_a_run_might_not_do(grid, submit, tmp_path):
    longest = open_run.longest_block(grid)
    entrant = submission.read(submit(source=SLOWEST_FIRST))
    for total, ahead in ((1.5 * longest, 1), (2.5 * longest, 2), (100 * longest, 6)):
        task = dataclasses.replace(grid, total_seconds=total)
        path = tmp_path / str(total) / "task" / "record.jsonl"
        with OpenRun(task, entrant, path, "process", traces=False) as run:
            begun = list(iter(run.next_block, None))
        assert [block.number for block in begun] == list(range(ahead))
        assert {block.task.limits_in_total for block in begun} == {task.limits}


def test_workers_end_with_the_process_that_started_them(tmp_path):
    """Though it is killed, and though they are in the middle of something."""
    pid = os.fork()
    if pid == 0:
        with ProcessExecutor(1) as executor:
            executor.submit("sleeps", Sleeps(tmp_path / "pid"))
            executor.next()
        os._exit(1)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text(encoding="utf-8"):
        time.sleep(0.01)
    worker = int((tmp_path / "pid").read_text(encoding="utf-8"))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while is_running(worker):
        time.sleep(0.01)


@dataclass(frozen=True)
class Sleeps:
    """Work that takes for ever."""

    path: Path

    def __call__(self, kept):
        self.path.write_text(str(os.getpid()), encoding="utf-8")
        time.sleep(600)


def is_running(pid):
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
