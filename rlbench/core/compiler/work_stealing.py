"""Work stealing: how the threads of a pool divide the environments of a batch, as the text of compiled functions.

The environments are cut into chunks, and the chunks into a range per thread. A thread takes its own range from the
lower end on, so that it finds in its cache what it worked on in the call before, and then from the upper ends what is
left of the others' (Blumofe and Leiserson, "Scheduling multithreaded computations by work stealing", 1999). The caller
is one of the threads, and needs nobody: the range of a worker that sleeps, is late or is held up is done by the others.

What a second thread gains differs. To wake it takes 2 to 5 microseconds, until it works 10 to 50, and on some cores of
a virtual machine the memory of 1,024 cart-poles comes no faster from one core to another than they are stepped: loops
of such calls were 0.7 to 1.5 times as fast. Hence each call is compared with what calls take alone, and after four that
were not shorter, the next ones are done alone, at most 255.

What may have to be waited for is a chunk that a worker has begun, whose core another process has taken. Two things keep
that rare and cheap: workers keep off the caller's core, since one that is woken there takes the caller's place; and
after a wait, calls are done alone for twenty times as long.

Rejected: OpenMP, which waits for threads that are not running, does not survive a fork, and shares torch's number of
threads; and workers on any core: beside a busy process, every fifth call then lost its core to its own worker, and
1,024 cart-poles took nearly twice as long.
"""

from __future__ import annotations

import ast

from rlbench.core.compiler.atomics import ATOMICS
from rlbench.core.compiler.pool_memory import names
from rlbench.core.compiler.share import WIDENED

_TEXT = '''
def own(pool, thread, word):
    """The address of a thread's word."""
    return pool + 8 * (THREAD + THREAD_WORDS * thread + word)


def nanoseconds(pool, thread):
    """The time."""
    seconds = own(pool, thread, SECONDS)
    call(load(pool + 8 * CLOCK), load(pool + 8 * CLOCK_ID), seconds, 0, 0)
    return load(seconds) * 1_000_000_000 + load(own(pool, thread, NANOSECONDS))


def release(pool, thread):
    """Let a thread go on that sleeps, or is about to."""
    call(load(pool + 8 * RELEASE), load(own(pool, thread, LOCK)), 0, 0, 0)


def sleep(pool, thread):
    """Sleep until the thread is released, be it before."""
    call(load(pool + 8 * ACQUIRE), load(own(pool, thread, LOCK)), 1, 0, 0)


def steal(pool, function, context, count, batch):
    """Let the threads of a pool do function(context, start, stop, thread) for all environments of a batch.

    Returns the sum of what it returns.
    """
    threads = min(load(batch + 8 * MOST_THREADS), load(pool + 8 * SIZE))
    if threads < 2 or not exchange(pool + 8 * OWNER, 0, 1):
        return call(function, context, 0, count, 0)
    began, worth = nanoseconds(pool, 0), load(batch + 8 * WORTH)
    if load(pool + 8 * REST) > 0 or (worth and (load(batch + 8 * SKIP) > 0 or load(batch + 8 * ALONE) < worth)):
        total = call(function, context, 0, count, 0)
        note_alone(pool, batch, nanoseconds(pool, 0) - began)
    else:
        total = together(pool, function, context, count, batch, threads, began)
        note_shared(batch, nanoseconds(pool, 0) - began)
    store(pool + 8 * OWNER, 0)
    return total


def note_alone(pool, batch, took):
    """Note how long a call took that the caller did alone: the mean of the last few."""
    last = load(batch + 8 * ALONE)
    store(batch + 8 * ALONE, last + (min(took, 2 * last) - last) // 8 if last else took)
    store(batch + 8 * SKIP, max(load(batch + 8 * SKIP) - 1, 0))
    store(pool + 8 * REST, max(load(pool + 8 * REST) - took, 0))


def note_shared(batch, took):
    """Share again after a call that was shorter than alone; after several that were not, ever more rarely."""
    if took < load(batch + 8 * ALONE):
        store(batch + 8 * FAILED, 0)
        store(batch + 8 * SKIPPED, 0)
        return
    failed = load(batch + 8 * FAILED) + 1
    store(batch + 8 * FAILED, failed)
    if failed >= TRIAL:
        longer = min(2 * load(batch + 8 * SKIPPED) + 1, MOST_SKIPPED)
        store(batch + 8 * SKIPPED, longer)
        store(batch + 8 * SKIP, longer)
        store(batch + 8 * FAILED, 0)


def together(pool, function, context, count, batch, threads, began):
    """What `steal` does where workers may help."""
    alone = load(batch + 8 * ALONE)
    size = chunk_size(count, alone, load(batch + 8 * CHUNK_TIME))
    chunks = -(-count // size)
    number = publish(pool, function, context, count, size, chunks, min(threads, chunks))
    wake_two(pool, 0, threads)
    done, total = work(pool, 0, number)
    if add(pool + 8 * PENDING, done - chunks) != 0:
        wait(pool, nanoseconds(pool, 0), max(LATE, LATE_CHUNKS * size * alone // count))
    return total + load(pool + 8 * TOTAL)


def chunk_size(count, alone, time):
    """Environments in a chunk that shall take this time: a power of two, so that it is mostly the same."""
    each, size = max(alone // count, 1), 1
    while 2 * size * each <= time or size * MOST_CHUNKS < count:
        size *= 2
    return size


def publish(pool, function, context, count, size, chunks, threads):
    """Begin a call; returns its number."""
    number = (load(pool + 8 * CALL) + 1) & 0x7FFFFFFF
    store(pool + 8 * THREADS, threads)
    store(pool + 8 * FUNCTION, function)
    store(pool + 8 * CONTEXT, context)
    store(pool + 8 * COUNT, count)
    store(pool + 8 * CHUNK, size)
    store(pool + 8 * TOTAL, 0)
    if load(pool + 8 * GET_CPU):
        store(pool + 8 * CPU, call(load(pool + 8 * GET_CPU), 0, 0, 0, 0) & 0x7FFFFFFF)
    for thread in range(threads):
        low, high = chunks * thread // threads, chunks * (thread + 1) // threads
        store(own(pool, thread, TICKET), number << 32 | low << 16 | high)
    store(pool + 8 * CALL, number)
    return number


def work(pool, thread, number):
    """Do chunks of a call until none is left; returns how many, and the sum of what they return.

    Whoever has a ticket of the call's number with a chunk left may believe the words that describe the call, since the
    caller writes them anew only when all chunks are done.
    """
    threads, function, context = load(pool + 8 * THREADS), load(pool + 8 * FUNCTION), load(pool + 8 * CONTEXT)
    count, size = load(pool + 8 * COUNT), load(pool + 8 * CHUNK)
    done = total = 0
    for turn in range(threads):
        ticket = own(pool, (thread + turn) % threads, TICKET)
        chunk = claim(ticket, number, turn == 0)
        while chunk >= 0:
            total += call(function, context, chunk * size, min((chunk + 1) * size, count), thread)
            done += 1
            chunk = claim(ticket, number, turn == 0)
    return done, total


def claim(ticket, number, lowest):
    """Take the lowest or the highest chunk of a range in a call of this number; -1 where none is left."""
    while True:
        held = load(ticket)
        low, high = (held >> 16) & 0xFFFF, held & 0xFFFF
        if held >> 32 != number or low >= high:
            return -1
        if exchange(ticket, held, held + 0x10000 if lowest else held - 1):
            return low if lowest else high - 1


def wait(pool, began, late):
    """Wait for the chunks that workers have begun; if that takes longer than `late`, do without them for a while."""
    spins = 0
    while load(pool + 8 * PENDING) != 0:
        spins += 1
        if spins < SHORT_SPINS:
            pause()
            continue
        store(pool + 8 * WAITING, 1)
        if load(pool + 8 * PENDING) == 0 and exchange(pool + 8 * WAITING, 1, 0):
            break
        sleep(pool, 0)
    waited = load(pool + 8 * FINISHED) - began
    if waited > late:
        store(pool + 8 * REST, REST_FACTOR * waited)


def wake_two(pool, thread, threads):
    """Wake two sleeping workers, each of which wakes two more."""
    for worker in range(2 * thread + 1, min(2 * thread + 3, threads)):
        asleep = own(pool, worker, ASLEEP)
        if load(asleep) == 1 and exchange(asleep, 1, 0):
            release(pool, worker)


def keep_off(pool, thread):
    """Run on other cores than the caller."""
    avoided = load(pool + 8 * CPU)
    if load(pool + 8 * SET_CPUS) == 0 or load(own(pool, thread, AVOIDED)) == avoided:
        return
    store(own(pool, thread, AVOIDED), avoided)
    left = 0
    for word in range(CPU_WORDS):
        cpus = load(pool + 8 * (CPUS + word))
        if word == avoided >> 6:
            cpus &= ~(1 << (avoided & 63))
        store(own(pool, thread, CPUS_LEFT + word), cpus)
        left |= cpus
    if left:
        call(load(pool + 8 * SET_CPUS), 0, 8 * CPU_WORDS, own(pool, thread, CPUS_LEFT), 0)


def finish(pool, thread, done, total):
    """Tell the caller what a worker has done."""
    add(pool + 8 * TOTAL, total)
    store(pool + 8 * FINISHED, nanoseconds(pool, thread))
    if add(pool + 8 * PENDING, done) == 0 and exchange(pool + 8 * WAITING, 1, 0):
        release(pool, 0)


def run_worker(address):
    """The life of a worker. `address` is that of its own words."""
    pool, thread = load(address + 8 * POOL), load(address + 8 * NUMBER)
    seen = spins = 0
    while load(pool + 8 * STOP) == 0:
        number, threads = load(pool + 8 * CALL), load(pool + 8 * THREADS)
        if number != seen and thread < threads:
            seen, spins = number, 0
            keep_off(pool, thread)
            wake_two(pool, thread, threads)
            done, total = work(pool, thread, number)
            if done:
                finish(pool, thread, done, total)
        elif spins < SPINS:
            spins += 1
            pause()
        else:
            spins = 0
            asleep = address + 8 * ASLEEP
            store(asleep, 1)
            nothing = load(pool + 8 * CALL) == number and load(pool + 8 * STOP) == 0
            if nothing or not exchange(asleep, 1, 0):  # somebody may be waking it
                sleep(pool, thread)
    return add(pool + 8 * LIVING, -1)


for _name in {functions}:
    globals()[_name] = widened(njit(error_model="numpy", _nrt=False, no_cpython_wrapper=True)(globals()[_name]))
'''

ENTRIES = ("steal", "run_worker")
"""The functions that are called from outside, as C functions of int64."""


def pool_source() -> str:
    """The text of a generated module with the functions of a pool."""
    functions = [
        node.name for node in ast.parse(_TEXT.partition("for _name")[0]).body if isinstance(node, ast.FunctionDef)
    ]
    inner = tuple(name for name in functions if name not in ENTRIES)
    title = '"""Generated by rlbench.core.compiler.compile; edits are lost."""'
    return "\n\n".join([title, names(), WIDENED, ATOMICS, _TEXT.replace("{functions}", repr(inner))])
