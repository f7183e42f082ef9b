"""The agent's side of the process boundary: loads one agent, answers calls of `act`, reports faults.

Runs in a fresh Python with an empty working folder, in the sandbox (`sandbox`). Standard input holds the set-up as
JSON; a pipe brings calls, another takes replies of one byte each; observations, actions and messages lie in shared
memory. What the agent prints goes to another pipe, which the harness drains. NumPy is the only package imported here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import machinery
from pathlib import Path
from typing import Any

import numpy as np

from rlbench import arithmetic, space_tree
from rlbench.errors import LackingError
from rlbench.harness.adapters import folder as adapters
from rlbench.harness.isolation import agent as contract
from rlbench.harness.isolation import explain, privileges, sandbox
from rlbench.harness.isolation.actions import InvalidActionError
from rlbench.harness.isolation.affinity import SPINS
from rlbench.harness.isolation.shared_memory import SharedArrays
from rlbench.harness.layers import player as layers
from rlbench.search import files as search

HELLO = b"\xf0"
"""The process has started; what goes wrong from here on is the agent's fault."""

READY = b"\xf1"
"""The agent is loaded. A call is any byte below 0x80, and its reply is the same byte."""

FAULTS = {"load_error": b"\x80", "crash": b"\x81", "oom": b"\x82", "invalid_action": b"\x83"}
"""Replies that report a fault, by status; all other faults are seen from outside."""

TOTAL_STORE_ORDER = ("x86_64", "AMD64", "i686")
"""Architectures (x86) where a core that sees the call in memory sees the observation written before it, too."""

MAX_PLACES = 5
"""Lines of the submission's code that the message about an error names, the innermost ones."""

MAX_CHARACTERS = 500
"""Characters of an error's own message."""

MEMORY_POLLS = 16
"""Polls of memory that take as long as one poll of a pipe."""


def main() -> None:
    """Serve one block of episodes, then end."""
    serve_block(json.load(sys.stdin))


def serve_block(setup: dict[str, Any]) -> None:
    """Load the agent in the sandbox, and answer calls until there are no more.

    Args:
        setup: What `spawn.load_arguments` and `AgentProcess` say.
    """
    import resource  # only on Unix; the harness imports this module elsewhere too, to say that it needs Linux

    privileges.die_with(setup["parent"])
    if setup["arithmetic"] == arithmetic.PINNED and (wrong := list(arithmetic.deviations())):
        sys.exit(f"the pinned arithmetic was not taken: {'; '.join(wrong)}")
    _inherit_nothing()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # so that its last line is known
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    shared = SharedArrays(
        setup["observation"],
        setup["action"],
        setup["task"]["num_envs"],
        setup["memory"],
        explain.MAX_BYTES if setup["explain"] else 0,
    )
    reply = setup["reply"]
    if setup["sandbox"] is None:
        privileges.give_up_gaining()  # by which its descendants are known
    else:
        sandbox.apply(sandbox.Policy.from_plain(setup["sandbox"]), setup["parent"])

    def report(status: str, message: str) -> None:
        shared.put_message(message)
        os.write(reply, FAULTS[status])

    os.write(reply, HELLO)
    try:
        agent = load(setup)
        if setup["explain"]:
            agent = ExplainingAgent(agent, shared, setup["folder"])
    except BaseException as error:  # a submission may call sys.exit
        return report("load_error", one_line(error, setup["folder"]))
    os.write(reply, READY)
    try:
        serve(agent, shared, setup["calls"], reply)
    except InvalidActionError as error:
        report("invalid_action", str(error))
    except MemoryError as error:
        report("oom", one_line(error, setup["folder"]))
    except BaseException as error:
        report("crash", one_line(error, setup["folder"]))


def load(setup: dict[str, Any]) -> contract.Agent:
    """The agent that the submission's entry point returns, or the player of its layers, its search, or its library."""
    folder, name = setup["folder"], setup["module"]
    entry = f"{name}:{setup['function']}"
    if entry == layers.ENTRY:
        return layers.load(folder, zeros(setup["observation"]), setup["seed"])
    if entry == search.ENTRY:
        sys.meta_path.append(OwnPackage)
        task = setup["task"]
        player: Any = importlib.import_module(search.PLAYER)
        return player.load(folder, task["env_id"], task["env_kwargs"], task["num_envs"])  # type: ignore[no-any-return]
    spaces = contract.Spaces(setup["observation"], setup["action"])
    make_importable(folder, name)
    if entry in adapters.ENTRIES:
        return adapted(folder, entry, spaces, setup["seed"], setup["device"])
    path = str(Path(folder, f"{name}.py"))
    spec = importlib.util.spec_from_file_location(name, path, loader=DigestedSource(name, path))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module that Python can load")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    task = contract.TaskInfo(**setup["task"])
    return contract.batched(getattr(module, setup["function"]), task, spaces, setup["seed"])


def adapted(folder: str, entry: str, spaces: contract.Spaces, seed: int, device: str) -> contract.Agent:
    """The agent that another library saved, played by its adapter; a LackingError where the library is not there."""
    adapter = adapters.ENTRIES[entry]
    try:
        player: Any = importlib.import_module(f"rlbench.harness.adapters.{adapter.kind}")
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        package = adapter.package if missing == adapter.library else missing
        raise LackingError(f"{entry} plays with {package}, which is not installed: pip install {package}") from None
    agent: contract.Agent = player.load(folder, adapters.read(folder, entry), spaces, seed, device)
    return agent


def make_importable(folder: str, name: str) -> None:
    """Let the submission import the modules of its folder, and rlbench; byte code is neither read nor written."""
    sys.path[0] = folder
    sys.argv = [name]
    sys.dont_write_bytecode = True
    sys.path_hooks.insert(0, _finder_in(folder))
    sys.meta_path.append(OwnPackage)


class DigestedSource(machinery.SourceFileLoader):
    """Loads a module of a submission from its source alone: byte code in `__pycache__` is not in the digest."""

    def path_stats(self, path: Any) -> Any:
        """Nothing to compare byte code with, so that none is used."""
        raise OSError


class OwnPackage:
    """Finds rlbench for agents that import it: the folder that it lies in may be a checkout, which they cannot list."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> machinery.ModuleSpec | None:
        """Where the package lies; None for all else."""
        if name != "rlbench":
            return None
        folder = Path(__file__).resolve().parents[2]
        return importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )


def _finder_in(folder: str) -> Callable[[str], machinery.FileFinder]:
    """A hook for `sys.path_hooks` that finds the modules of a submission."""
    loaders = (
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (DigestedSource, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )

    def hook(path: str) -> machinery.FileFinder:
        if not Path(path).is_relative_to(folder):
            raise ImportError(f"{path} is not in the submission")
        if not Path(path).is_dir():
            raise ImportError(f"{path} is no folder")  # the next hook is for zip files
        return machinery.FileFinder(path, *loaders)

    return hook


def zeros(description: space_tree.Description) -> Any:
    """A batch of one observation of a space, all zeros."""
    leaves = space_tree.leaves(description)
    return space_tree.unflatten(description, (np.zeros((1, *leaf.shape), leaf.dtype) for leaf in leaves))


class ExplainingAgent:
    """An agent that writes its explanation after each action; mistakes in `explain` are no faults."""

    def __init__(self, agent: contract.Agent, shared: SharedArrays, folder: str) -> None:
        self._agent, self._shared, self._folder = agent, shared, folder
        self._explain = getattr(agent, "explain", lambda: None)

    def act(self, observation: Any, first: Any) -> Any:
        """The agent's actions."""
        action = self._agent.act(observation, first)
        try:
            data = explain.encode(self._explain())
        except Exception as error:
            data = explain.encode({"error": f"explain() failed: {one_line(error, self._folder)}"})
        self._shared.put_explanation(data)
        return action


def serve(agent: contract.Agent, shared: SharedArrays, calls: int, reply: int) -> None:
    """Answer every call until the harness closes the pipe.

    A call is written to shared memory before its byte is sent through the pipe. While spinning (`affinity` says why)
    this polls the memory, and takes the byte from the pipe after the reply, when nobody waits for it.

    Args:
        agent: Answers the calls.
        shared: Where observations and actions lie.
        calls: Descriptor to read calls from.
        reply: Descriptor to write replies to.
    """
    read, write, act = os.read, os.write, agent.act
    get_observation, put_action = shared.get_observation, shared.put_action
    call, spin = shared.call, shared.spin
    polls = range(SPINS * MEMORY_POLLS if os.uname().machine in TOTAL_STORE_ORDER else 0)
    last = 0
    while True:
        seen_in_memory = False
        for _ in polls if spin[0] else ():
            if call[0] != last:
                seen_in_memory = True
                break
        byte = call.tobytes() if seen_in_memory else read(calls, 1)
        if not byte:
            return
        observation, first = get_observation()
        put_action(act(observation, first))
        write(reply, byte)
        if seen_in_memory:
            read(calls, 1)
        last = byte[0]


def one_line(error: BaseException, folder: str) -> str:
    """An error as a message, and the lines of the submission's code in its traceback; notes and causes are left out.

    Args:
        error: What was raised.
        folder: The submission's folder, whose path is left out.
    """
    text = traceback.format_exception_only(type(error), error)[0].strip()
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        text = f"{type(error).__name__}: {error.msg}"
        frames.append((error.filename or "", error.lineno))
    places = [f"{Path(name).relative_to(folder)}:{line}" for name, line in frames if Path(name).is_relative_to(folder)]
    left_out = ["..."] if len(places) > MAX_PLACES else []
    shown = ", ".join([*left_out, *places[-MAX_PLACES:]])
    return text.replace(folder, ".")[:MAX_CHARACTERS] + (f" ({shown})" if shown else "")


def _inherit_nothing() -> None:
    """Signals and the mask of new files' modes are as in a fresh session, whatever the harness was started with."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for each in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ}:
        if signal.getsignal(each) is signal.SIG_IGN:
            signal.signal(each, signal.SIG_DFL)
    os.umask(0o022)
