"""The memory of a thread pool: which word of it holds what, and the constants of work stealing.

Words are int64. Those that different threads write lie on different cache lines.
"""

from __future__ import annotations

from enum import IntEnum

LINE = 8  # words of a cache line


class Pool(IntEnum):
    """The words of a pool. The caller is the thread that steps a batch; the pool's own threads are workers."""

    STEAL = 0  # written once: addresses of the compiled `steal` and of functions of the system, 0 for what it lacks
    CLOCK = 1  # clock_gettime, and which clock
    CLOCK_ID = 2
    ACQUIRE = 3  # a lock's functions
    RELEASE = 4
    GET_CPU = 5  # sched_getcpu and sched_setaffinity
    SET_CPUS = 6
    STOP = 7  # whether the workers shall end
    CALL = LINE  # written by the caller: the number of the call, and what is to be done
    THREADS = LINE + 1  # that may take part, with the caller
    FUNCTION = LINE + 2  # its address: function(context, start, stop, thread)
    CONTEXT = LINE + 3
    COUNT = LINE + 4  # of environments, and how many a chunk has
    CHUNK = LINE + 5
    CPU = LINE + 6  # on which the caller runs
    OWNER = 2 * LINE  # 1 while a caller uses the pool; another one works alone then
    REST = 2 * LINE + 1  # nanoseconds for which callers shall still work alone
    PENDING = (
        4 * LINE
    )  # written by all: chunks that workers have done, less those that the caller has not; 0 at the end
    TOTAL = 4 * LINE + 1  # the sum of what the workers' chunks return
    WAITING = 4 * LINE + 2  # 1 where the caller sleeps until PENDING is 0
    FINISHED = 4 * LINE + 3  # when a worker made it 0
    LIVING = 6 * LINE  # workers that have not ended
    SIZE = 6 * LINE + 1  # threads of the pool, with the caller
    CPUS = 8 * LINE  # written once: a bit for every core on which the threads may run
    THREAD = 10 * LINE  # here the words of the threads begin, the caller's first


class Thread(IntEnum):
    """The words of one thread of a pool."""

    TICKET = 0  # number of the call << 32 | lowest chunk that is left of the range << 16 | the one after the highest
    ASLEEP = LINE  # 1 where it sleeps, or is about to
    LOCK = LINE + 1  # on which it sleeps
    SECONDS = LINE + 2  # what the clock says
    NANOSECONDS = LINE + 3
    POOL = LINE + 4  # the address of the pool
    NUMBER = LINE + 5  # of the thread; the caller's is 0
    AVOIDED = LINE + 6  # the core on which it does not run
    CPUS_LEFT = 2 * LINE  # those on which it does, as CPUS


class Batch(IntEnum):
    """The words of a batch that is stepped by a pool."""

    MOST_THREADS = 0  # that may take part
    WORTH = 1  # nanoseconds that a call takes alone, from which it may be shared; 0 for always
    CHUNK_TIME = 2  # that a chunk shall take
    ALONE = 3  # that a call takes alone; 0 before the first
    FAILED = 4  # shared calls in a row that were not shorter
    SKIP = 5  # calls that shall still be done alone
    SKIPPED = 6  # how many they were the last time


BATCH_WORDS, FRAME_WORDS = LINE, 1_024  # of a batch itself, and of the arguments of its loop, which follow them
CPU_WORDS = 2 * LINE  # of a set of cores, as many as in the system's `cpu_set_t`

CONSTANTS = {
    "THREAD_WORDS": 4 * LINE,  # of a thread
    "CPU_WORDS": CPU_WORDS,
    "MOST_CHUNKS": 65_535,  # of a call: half a word holds two numbers of chunks
    "SPINS": 1_000,  # looks for the next call before a worker sleeps, about 25 microseconds
    "SHORT_SPINS": 500,  # looks for the end of a call before the caller sleeps, about 10 microseconds
    "LATE": 20_000,  # nanoseconds, and
    "LATE_CHUNKS": 4,  # chunks for which a worker may be waited for without consequence
    "REST_FACTOR": 20,  # times that wait are calls done alone after a longer one, so that waits cost a twentieth
    "TRIAL": 4,  # shared calls that must fail in a row: the first finds a worker asleep
    "MOST_SKIPPED": 255,  # calls done alone after that
}


def names() -> str:
    """The same names as Python's text, for the compiled functions."""
    words = {word.name: int(word) for group in (Pool, Thread, Batch) for word in group}
    return "".join(f"{name} = {value}\n" for name, value in {**words, **CONSTANTS}.items())
