"""The template of agents' processes: a Python that has imported libraries, and is forked for each agent.

It runs nothing of a submission and knows nothing of a task: what a fork is to play, it reads itself, from a file that
the template hands on. A fork is the harness's own child, as any agent's process; only then does it enter the sandbox.
Runs in a fresh Python, as `worker`, whose imports are the only ones besides what the harness asks for.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import socket
import sys
import tempfile
import time

from rlbench.harness.isolation import privileges, worker

READY = b"ready"
"""The libraries are imported, and no thread has been started, which no fork would have."""

MAX_BYTES = 4096
DESCRIPTORS = 5
"""What a fork is given: its set-up to read, where it prints, the shared memory, calls and replies."""

_PAUSE = 0.0005


def main() -> None:
    """Fork when asked to, until nobody asks any more; in a fork, serve one block as `worker.main` does."""
    setup = json.load(sys.stdin)
    privileges.die_with(setup["parent"])
    control = socket.socket(fileno=setup["control"])
    for library in setup["libraries"]:
        with contextlib.suppress(Exception):  # the agent will say what is wrong with it
            importlib.import_module(library)
    if len(os.listdir("/proc/self/task")) > 1:
        sys.exit("a library has started a thread")
    gc.collect()
    gc.freeze()  # what is here already is never looked through again, in no fork
    control.send(READY)
    while request := socket.recv_fds(control, MAX_BYTES, DESCRIPTORS):
        message, descriptors, _, _ = request
        if not message:
            return
        if is_agent(control, descriptors):
            control.close()
            become_agent(message.decode(), descriptors)
            return


def is_agent(control: socket.socket, descriptors: list[int]) -> bool:
    """Fork, twice: whether this is the agent's process. The harness is told its number.

    The process in between ends at once, so that the agent's becomes a child of the harness, which adopts orphans.
    Rejected: to stay its parent. Who may wait for a process, and whether it ends with the harness, goes by parentage.
    """
    between = 0
    try:
        between = os.fork()
        if between == 0:
            between = os.getpid()
            agent = os.fork()
            if agent == 0:
                while os.getppid() == between:
                    time.sleep(_PAUSE)
                return True
            control.send(b"%d" % agent)
            os._exit(0)
        os.waitpid(between, 0)
    except OSError as error:
        control.send(b"-%d" % (error.errno or 0))
        if between == os.getpid():
            os._exit(1)
    for each in descriptors:
        os.close(each)
    return False


def become_agent(folder: str, descriptors: list[int]) -> None:
    """Serve as a process that was started for this agent alone.

    Args:
        folder: Its working folder.
        descriptors: As DESCRIPTORS says.
    """
    stdin, output, memory, calls, reply = descriptors
    os.setsid()
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder)
    for number, descriptor in enumerate((stdin, output, output)):
        os.dup2(descriptor, number)
    for each in (stdin, output):
        os.close(each)
    tempfile.tempdir = None  # which it may have chosen already
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()  # from the system, as at import; `random` does so by itself
    with open(0, encoding="utf-8", closefd=False) as file:
        setup = json.load(file)
    worker.serve_block({**setup, "memory": memory, "calls": calls, "reply": reply})
