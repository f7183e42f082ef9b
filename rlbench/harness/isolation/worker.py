"""The child: loads one agent, answers `act` until told to stop, reports faults by a byte and a line.

It runs in a fresh Python, a session of its own and an empty folder, with three descriptors besides the usual
ones: a pipe on which calls arrive, a pipe for answers, and the memory of the frame. Whatever the agent prints
goes to the parent's drain, never to these. Standard input holds the set-up as JSON. NumPy is the only package
imported here.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from rlbench.harness.isolation import agent as contract
from rlbench.harness.isolation import explanation, shared_memory
from rlbench.harness.isolation.affinity import SPINS

HELLO = b"\xf0"
"""The child is up; what goes wrong from here on is the agent's fault."""

READY = b"\xf1"
"""The agent is loaded. A call is any byte below 0x80, and its answer is the same byte."""

ORDERED = ("x86_64", "AMD64", "i686")
"""Machines on which a core that sees the call sees the observation, too, which another core wrote before it."""

LOOKS = 16
"""A look at memory takes a sixteenth of the time of a look at a pipe."""

FAULTS = {"load_error": b"\x80", "crash": b"\x81", "oom": b"\x82", "invalid_action": b"\x83"}
"""The statuses that the child reports itself; the others are what the parent sees."""


def main() -> None:
    """Serve one block, then end."""
    import resource  # not at the top: the parent imports this module too, if only to say that it needs Linux

    setup = json.load(sys.stdin)
    _die_with(setup["parent"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    frame = shared_memory.Frame(
        setup["observation"],
        setup["action"],
        setup["task"]["lanes"],
        setup["memory"],
        explanation.BYTES if setup["explain"] else 0,
    )
    reply = setup["reply"]

    def report(status: str, message: str) -> None:
        frame.put_message(message)
        os.write(reply, FAULTS[status])

    os.write(reply, HELLO)
    try:
        player = load(setup)
        if setup["explain"]:
            player = Explaining(player, frame, setup["folder"])
    except BaseException as error:  # a submission may well call sys.exit
        return report("load_error", one_line(error, setup["folder"]))
    os.write(reply, READY)
    try:
        serve(player, frame, setup["calls"], reply)
    except shared_memory.Misfit as error:
        report("invalid_action", str(error))
    except MemoryError as error:
        report("oom", one_line(error, setup["folder"]))
    except BaseException as error:
        report("crash", one_line(error, setup["folder"]))


def load(setup: dict[str, Any]) -> contract.Agent:
    """The agent that the submission's entry point makes."""
    folder, name = setup["folder"], setup["module"]
    sys.path[0] = folder
    sys.argv = [name]
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location(name, Path(folder, f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    spaces = contract.Spaces(setup["observation"], setup["action"])
    task = contract.TaskInfo(**setup["task"])
    return contract.batched(getattr(module, setup["function"]), task, spaces, setup["seed"])


class Explaining:
    """An agent that writes beside each action what it tells of it; nothing that goes wrong there is a fault."""

    def __init__(self, player: contract.Agent, frame: shared_memory.Frame, folder: str) -> None:
        self._player, self._frame, self._folder = player, frame, folder
        self._explain = getattr(player, "explain", lambda: None)

    def act(self, observation: Any, first: Any) -> Any:
        """The agent's actions."""
        action = self._player.act(observation, first)
        try:
            told = explanation.encode(self._explain())
        except Exception as error:
            told = explanation.encode({"error": f"explain() failed: {one_line(error, self._folder)}"})
        self._frame.put_explanation(told)
        return action


def serve(player: contract.Agent, frame: shared_memory.Frame, calls: int, reply: int) -> None:
    """Answer every call; end when the parent hangs up.

    A call stands in the frame before its byte comes through the pipe. While this looks for it, `cores` says why, it
    looks there, and takes the byte after the answer, when nobody waits for it.
    """
    read, write, act, see, answer = os.read, os.write, player.act, frame.get_observation, frame.put_action
    call, look = frame.call, frame.look
    looks = range(SPINS * LOOKS if os.uname().machine in ORDERED else 0)
    last = 0
    while True:
        early = False
        for _ in looks if look[0] else ():
            if call[0] != last:
                early = True
                break
        byte = call.tobytes() if early else read(calls, 1)
        if not byte:
            return
        observation, first = see()
        answer(act(observation, first))
        write(reply, byte)
        if early:
            read(calls, 1)
        last = byte[0]


def one_line(error: BaseException, folder: str) -> str:
    """An error as its last traceback line and the last line of the submission that it passed through."""
    text = traceback.format_exception_only(type(error), error)[-1].strip()
    places = [
        f" ({Path(frame.filename).relative_to(folder)}:{frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(folder)
    ]
    return "".join([text.replace(folder, "."), *places[-1:]])


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however it ends."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)
