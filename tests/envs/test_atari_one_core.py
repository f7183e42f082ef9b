"""A caller and the one thread that works for it share a core, and the caller gets its own choice of cores back."""

import os
import sys
import threading

import pytest

from rlbench.envs.atari.cpu_affinity import on_one_core, threads_of_process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux places threads")


class Helper:
    """A thread that says where it may run when asked."""

    def __init__(self):
        self.asked, self.answered, self.cores = threading.Semaphore(0), threading.Semaphore(0), set()
        before = threads_of_process()
        threading.Thread(target=self.serve, daemon=True).start()
        self.ids = threads_of_process() - before

    def serve(self):
        while True:
            self.asked.acquire()
            self.cores = os.sched_getaffinity(0)
            self.answered.release()

    def work(self, failure=None):
        self.asked.release()
        self.answered.acquire()
        if failure:
            raise failure
        return os.sched_getaffinity(0), self.cores


def test_both_are_on_one_core_while_they_work():
    helper, mine = Helper(), os.sched_getaffinity(0)
    together = on_one_core(helper.ids, helper.work)
    for _ in range(3):
        caller, other = together()
        assert len(caller) == 1
        assert caller == other
        assert os.sched_getaffinity(0) == mine


def test_an_error_gives_the_cores_back():
    helper, mine = Helper(), os.sched_getaffinity(0)
    with pytest.raises(ValueError, match="broken"):
        on_one_core(helper.ids, helper.work)(ValueError("broken"))
    assert os.sched_getaffinity(0) == mine


def test_several_helpers_are_left_where_they_are():
    helper = Helper()
    assert on_one_core({1, 2}, helper.work) == helper.work
    assert on_one_core((), helper.work) == helper.work


def test_where_threads_may_not_be_placed_the_work_is_done_all_the_same(monkeypatch):
    helper, mine = Helper(), os.sched_getaffinity(0)
    together = on_one_core(helper.ids, helper.work)

    def refuse(thread, cores):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    assert together() == (mine, mine)
