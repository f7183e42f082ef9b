"""Work stealing by itself: a pool of threads that does small pieces of work, and counts what it has done."""

import random
import threading
import time
import weakref

import numpy as np
import pytest
from numba import carray, cfunc, types

from rlbench.core.compiler.compile import pool_functions
from rlbench.core.compiler.pool import ParallelLoop, ProcessPool, ThreadPool, has_pools
from rlbench.envs.atari.cpu_affinity import threads_of_process

pytestmark = pytest.mark.skipif(not has_pools(), reason="this system has no pools")


def chunk(function):
    """The address of function(context, start, stop, thread) -> int."""
    signature = types.int64(types.CPointer(types.int64), types.int64, types.int64, types.int64)
    compiled = cfunc(signature)(function)
    KEPT.append(compiled)
    return compiled.address


KEPT = []  # machine code that threads may run
HALF = 1_000_000


def zeros():
    """What `count_visits` writes to: a smaller array would have it write to memory of others."""
    return np.zeros(2 * HALF, np.int64)


def address(context):
    """Where an array begins that is large enough for whatever chunk."""
    assert (context.shape, context.dtype) == ((2 * HALF,), np.int64)
    return context.ctypes.data


@pytest.fixture(scope="module")
def count_visits():
    """Adds 1 to context[i] for every i, notes the thread in the second half, and returns the sum of all i."""

    def visit(context, start, stop, thread):
        words = carray(context, (2 * HALF,))
        total = 0
        for i in range(start, stop):
            words[i] += 1
            words[HALF + i] = thread
            total += i
        return total

    return chunk(visit)


def new_pool(threads):
    steal, run_worker = pool_functions()
    return ThreadPool(steal.address, run_worker.address, threads)


def user(pool, threads, chunk_time=1, worth=0):
    """A function (chunk, context, count) -> sum that lets the pool do it."""
    steal = pool_functions()[0].ctypes

    def loop(function, context, count, pool_address, batch_address):
        return steal(pool_address, function, address(context), count, batch_address)

    return ParallelLoop(loop, threads, worth, chunk_time, [pool].pop)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_everything_is_done_once_whatever_the_sizes(threads, count_visits):
    pool, generator = new_pool(threads), random.Random(threads)
    context = zeros()
    for _ in range(300):
        count, time, asked = generator.randint(1, 20_000), generator.randint(1, 10_000), generator.randint(1, 10)
        context[:] = 0
        share = user(pool, asked, time)
        share(count_visits, context, count)  # which says how long it takes
        context[:] = 0
        total = share(count_visits, context, count)
        assert (context[:count] == 1).all()
        assert context[count] == 0
        assert total == count * (count - 1) // 2
        assert context[HALF : HALF + count].max() < min(threads, asked)


def test_many_short_calls_lose_nothing(count_visits):
    share, context = user(new_pool(4), 4), zeros()
    totals = {share(count_visits, context, 40) for _ in range(20_000)}
    assert totals == {780}
    assert (context[:40] == 20_000).all()


def test_more_chunks_than_fit_into_half_a_word(count_visits):
    share, context = user(new_pool(2), 2), zeros()
    assert {share(count_visits, context, 900_001) for _ in range(3)} == {900_001 * 900_000 // 2}
    assert (context[:900_001] == 3).all()


def test_callers_at_once_do_not_disturb_each_other(count_visits):
    pool, failures = new_pool(3), []

    def caller():
        share, context = user(pool, 3), zeros()
        totals = {share(count_visits, context, 500) for _ in range(1_000)}
        failures.append(totals != {124_750} or (context[:500] != 1_000).any())

    callers = [threading.Thread(target=caller) for _ in range(4)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert failures == [False] * 4


def test_after_a_worker_was_late_the_caller_works_alone_for_a_while(count_visits):
    """Chunk 1 is that of the worker; there it counts for a second or so, unless the caller has taken it."""

    def hold_up(context, start, stop, thread):
        words = carray(context, (2,))
        if thread:
            for i in range(start + 50_000_000):
                words[1] ^= i
        return thread

    hold_up, context = chunk(hold_up), zeros()
    share = user(new_pool(2), 2)
    for _ in range(100_000):
        if share(hold_up, context, 2):
            break
    else:
        pytest.fail("the worker has never come")
    for _ in range(100):  # far shorter than the wait
        share(count_visits, context, 100)
        assert (context[HALF : HALF + 100] == 0).all()


def test_where_workers_only_slow_calls_down_most_are_done_alone():
    """Of two chunks, the worker's takes three times as long, which is not late; trials become ever rarer."""

    def slow(context, start, stop, thread):
        words = carray(context, (2,))
        for i in range(start + 60_000 if thread else start + 20_000):
            words[thread] ^= i
        return thread

    slow, context = chunk(slow), zeros()
    share = user(new_pool(2), 2, worth=1)
    assert sum(share(slow, context, 2) > 0 for _ in range(2_000)) < 200


def test_the_threads_of_a_pool_end_with_it(count_visits):
    before = threads_of_process()
    share = user(pool := new_pool(5), 5)
    share(count_visits, zeros(), 1_000)
    assert pool.workers == len(threads_of_process() - before) == 4
    share.close()
    del pool
    assert threads_of_process() <= before


def test_a_batch_may_be_closed_during_its_step(count_visits):
    """The pool, whose memory the step works with, lives until the step is over."""
    steal, context = pool_functions()[0].ctypes, zeros()
    pools, living = weakref.WeakSet(), []

    def find_pool():
        pool = new_pool(3)
        pools.add(pool)
        return pool

    def loop(pool_address, batch_address):
        share.close()
        living.append(len(pools))
        return steal(pool_address, count_visits, address(context), 20_000, batch_address)

    share = ParallelLoop(loop, 3, 0, 1, find_pool)
    assert [share() for _ in range(20)] == [20_000 * 19_999 // 2] * 20
    assert living == [1] * 20
    assert (context[:20_000] == 20).all()


def test_callers_of_one_batch_take_turns():
    """Its words hold the arguments of one call, which the workers would else take for those of another."""
    inside, most = [], []

    def loop(*addresses):
        inside.append(1)
        time.sleep(0.001)
        most.append(len(inside))
        inside.pop()

    share = ParallelLoop(loop, 2, 0, 1, lambda: new_pool(2))
    callers = [threading.Thread(target=lambda: [share() for _ in range(10)]) for _ in range(3)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert most == [1] * 30


def test_a_fork_during_another_threads_step_leaves_the_batch_free():
    """And a signal's handler may step the batch that its thread is about to step."""
    begun, over = threading.Event(), threading.Event()

    def loop(wait, *addresses):
        if wait:
            begun.set()
            over.wait()
            return share(False)
        return 1

    share, results = ParallelLoop(loop, 2, 0, 1, lambda: new_pool(2)), []
    held = threading.Thread(target=lambda: results.append(share(True)))
    held.start()
    begun.wait()
    share.after_fork()  # as the child calls it
    second = threading.Thread(target=lambda: results.append(share(False)))
    second.start()
    second.join(10)
    over.set()
    held.join(10)
    assert results == [1, 1]


def test_threads_that_need_a_pool_at_the_same_moment_get_the_same_one():
    """Its functions are compiled once: those of a second pool would take their place, and free them."""
    one, made = ProcessPool(), []

    def slowly():
        time.sleep(0.05)
        made.append(new_pool(2))
        return made[-1]

    found = []
    callers = [threading.Thread(target=lambda: found.append(one.find(slowly))) for _ in range(4)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert found == made * 4
    one.after_fork()
    assert one.find(slowly) is made[1]
