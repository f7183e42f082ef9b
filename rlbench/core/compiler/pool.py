"""Thread pools that step batches: their memory, their beginning and their end.

The workers are the system's threads without Python in them. They run compiled code alone (`compiler.work_stealing`),
so that they hold no lock of the interpreter, for which the caller would wait. They begin when the first batch needs
them, sleep between calls, and end with the last batch that has used them, or with the program.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench import children
from rlbench.core.compiler.pool_memory import BATCH_WORDS, CONSTANTS, CPU_WORDS, FRAME_WORDS, LINE, Batch, Pool, Thread

THREAD_WORDS = CONSTANTS["THREAD_WORDS"]
PATIENCE, LOOK = 1.0, 1e-4  # seconds in which workers must have ended, and between two looks

Words = NDArray[np.int64]


class ThreadPool:
    """The caller and its workers, which end with the object.

    Args:
        steal: The address of the compiled `steal`.
        run_worker: That of `run_worker`.
        threads: How many threads there are, with the caller.
    """

    def __init__(self, steal: int, run_worker: int, threads: int) -> None:
        self._words = words = _aligned(Pool.THREAD + THREAD_WORDS * threads)
        self.address = words.ctypes.data
        words[Pool.STEAL], words[Pool.SIZE] = steal, threads
        words[[Pool.CLOCK, Pool.CLOCK_ID, Pool.ACQUIRE, Pool.RELEASE, Pool.GET_CPU, Pool.SET_CPUS]] = (
            _system_functions()
        )
        words[Pool.CPUS : Pool.CPUS + CPU_WORDS] = _cpus()
        for number, own in enumerate(_own(words)):
            own[[Thread.POOL, Thread.NUMBER, Thread.LOCK, Thread.AVOIDED]] = self.address, number, _new_lock(), -1
        self._end = weakref.finalize(self, _end, words)
        children.call_after_fork(self)
        with _signals_blocked():
            for own in _own(words)[1:]:
                words[Pool.LIVING] += 1  # before, since an interrupt may come after
                words[Pool.LIVING] -= not _start(run_worker, own.ctypes.data)

    @property
    def workers(self) -> int:
        """How many workers there are."""
        return int(self._words[Pool.LIVING])

    def after_fork(self) -> None:
        """A forked process has none of the threads."""
        self._end.detach()


class ParallelLoop:
    """A compiled loop over environments that the threads of this process's pool share.

    Args:
        loop: The loop, whose last two arguments are the addresses of a pool and of a batch's words.
        threads: How many threads may take part.
        worth: Nanoseconds that a call takes alone, from which it may be shared; 0 to share all.
        chunk_time: How many of them a chunk shall take.
        find_pool: Called where the loop has no pool yet.
    """

    def __init__(
        self, loop: Callable[..., int], threads: int, worth: int, chunk_time: int, find_pool: Callable[[], ThreadPool]
    ) -> None:
        self._loop, self._find_pool = loop, find_pool
        self._words = _aligned(BATCH_WORDS + FRAME_WORDS)
        self._words[[Batch.MOST_THREADS, Batch.WORTH, Batch.CHUNK_TIME]] = threads, worth, chunk_time
        self._address = self._words.ctypes.data
        self._turn = threading.RLock()  # of several callers, who share the words; a signal's handler may be the second
        self.pool: ThreadPool | None = None
        children.call_after_fork(self)

    def __call__(self, *arguments: Any) -> int:
        """Call the loop. Several threads take turns."""
        with self._turn:
            pool = self.pool  # lives as long as the call, whoever closes the batch meanwhile
            if pool is None:
                pool = self.pool = self._find_pool()
            return self._loop(*arguments, pool.address, self._address)

    def close(self) -> None:
        """Leave the pool; the next call comes back."""
        self.pool = None

    def after_fork(self) -> None:
        """A forked process has neither the pool's threads nor the one whose turn it may have been."""
        self._turn = threading.RLock()
        self.close()


class ProcessPool:
    """Where the batches of this process find the pool that they share; it lives as long as one of them has it."""

    def __init__(self) -> None:
        self._begin()
        children.call_after_fork(self)

    def _begin(self) -> None:
        self._pool: Callable[[], ThreadPool | None] = lambda: None
        self._turn = threading.RLock()  # a thread that compiled a pool's functions again would free the first ones

    def find(self, new_pool: Callable[[], ThreadPool]) -> ThreadPool:
        """The pool; a new one where there is none."""
        with self._turn:
            pool = self._pool()
            if pool is None:
                pool = new_pool()
                self._pool = weakref.ref(pool)
            return pool

    def after_fork(self) -> None:
        """A forked process has neither the pool's threads nor the one whose turn it may have been."""
        self._begin()


process_pool = ProcessPool()


def has_pools() -> bool:
    """Whether this system has what a pool needs."""
    return hasattr(time, "clock_gettime") and sys.maxsize > 1 << 32  # not on Windows


def _end(words: Words) -> None:
    """Let the workers end, and wait for them."""
    words[Pool.STOP] = 1
    until = time.monotonic() + PATIENCE
    while words[Pool.LIVING] and time.monotonic() < until:
        for own in _own(words)[1:]:
            if own[Thread.ASLEEP]:
                own[Thread.ASLEEP] = 0
                ctypes.pythonapi.PyThread_release_lock(ctypes.c_void_p(int(own[Thread.LOCK])))
        time.sleep(LOOK)
    if words[Pool.LIVING] or words[Pool.OWNER]:
        children.never_delete(words)  # a worker, or a daemon thread's step, is held up, and will look at them
        return
    for own in _own(words):
        ctypes.pythonapi.PyThread_free_lock(ctypes.c_void_p(int(own[Thread.LOCK])))


def _own(words: Words) -> Words:
    """The words of each thread, int64[threads, THREAD_WORDS]."""
    return words[Pool.THREAD :].reshape(-1, THREAD_WORDS)


def _aligned(count: int) -> Words:
    """Zeros, int64[count], that begin on a cache line."""
    words = np.zeros(count + LINE, np.int64)
    return words[-words.ctypes.data % (8 * LINE) // 8 :][:count]


def _address(library: Any, name: str) -> int:
    """Where a function is; 0 where the library has none of the name."""
    function = getattr(library, name, None)
    return 0 if function is None else int(ctypes.cast(function, ctypes.c_void_p).value or 0)


def _system_functions() -> tuple[int, ...]:
    """The addresses from CLOCK to SET_CPUS. Python's locks need no interpreter, and every system has them."""
    libc, python = ctypes.CDLL(None), ctypes.pythonapi
    lock = _address(python, "PyThread_acquire_lock"), _address(python, "PyThread_release_lock")
    affinity = _address(libc, "sched_getcpu"), _address(libc, "sched_setaffinity")
    return _address(libc, "clock_gettime"), time.CLOCK_MONOTONIC, *lock, *(affinity if all(affinity) else (0, 0))


def _cpus() -> Words:
    """The cores on which this thread may run, a bit each."""
    bits = np.zeros(64 * CPU_WORDS, np.uint8)
    if hasattr(os, "sched_getaffinity"):
        bits[[cpu for cpu in os.sched_getaffinity(0) if cpu < len(bits)]] = 1
    return np.packbits(bits, bitorder="little").view(np.int64)


def _new_lock() -> int:
    """The address of a lock that is taken."""
    python = ctypes.pythonapi
    python.PyThread_allocate_lock.restype = ctypes.c_void_p
    lock = python.PyThread_allocate_lock()
    python.PyThread_acquire_lock(ctypes.c_void_p(lock), 1)
    return int(lock)


def _start(function: int, argument: int) -> bool:
    """Start a thread that calls a C function; whether the system has one left."""
    start = ctypes.pythonapi.PyThread_start_new_thread
    start.restype = ctypes.c_long
    return bool(start(ctypes.c_void_p(function), ctypes.c_void_p(argument)) != -1)


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Threads that are started inside get no signals, for which the main thread waits."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # may raise what a handler does
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
