"""Starts agents' processes as forks of one that has imported their libraries (`template`), which takes milliseconds.

For the tier `landlock`. In the tier `strict` a process begins in namespaces of its own, which one that runs already
cannot enter; in the tier `process` what an agent leaves behind is known by the home folder that its process began with.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from rlbench import children
from rlbench.harness.adapters import folder as adapters
from rlbench.harness.isolation import interpreter
from rlbench.harness.isolation.template import MAX_BYTES, READY
from rlbench.harness.submission import Submission
from rlbench.process.system import standard_streams, waitable_children

LIBRARIES = ("gymnasium", "safetensors", "sb3_contrib", "stable_baselines3", "tensordict", "torch", "torchrl")
"""What is imported ahead, where a submission imports it. These start no threads and draw no numbers at import."""

_OF_OPTIMIZERS = "torch._dynamo"
"""What torch imports for its first optimizer, which stable-baselines3 makes for every model that it loads."""

_BEFORE_IMPORTS = ("environ", "putenv", "meta_path", "path_hooks", "sys.modules")
"""Words in a submission that may change what an import does, so that none is made ahead."""

_SECONDS_TO_START, _SECONDS_TO_FORK, _SECONDS_TO_END, _PAUSE = 60.0, 10.0, 10.0, 0.0005


class ForkedProcess:
    """A child process that this one has adopted; of `subprocess.Popen` it has what the harness uses.

    Args:
        pid: Its number.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def wait(self, timeout: float) -> int:
        """Wait until it has ended; its exit code, or the number of a signal, negative.

        Raises:
            subprocess.TimeoutExpired: It has not ended in so many seconds.
        """
        deadline = time.monotonic() + timeout
        while self.returncode is None:
            try:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody else's handler has waited for it
                self.returncode = 0
                break
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("the agent's process", timeout)
            else:
                time.sleep(_PAUSE)
        return self.returncode


class ForkServer:
    """The template process, which starts now and imports meanwhile; a context, at whose end it ends.

    Args:
        libraries: What it imports.
    """

    def __init__(self, libraries: Sequence[str]) -> None:
        self.libraries = tuple(libraries)
        self._ready: bool | None = None
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(children.temporary_folder())
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            stack.callback(self._control.close)
            with theirs:
                self._process = self._started(str(folder), theirs.fileno())
            stack.callback(self._end)
            self._resources = stack.pop_all()

    def _started(self, folder: str, control: int) -> subprocess.Popen[bytes]:
        setup = {"parent": os.getpid(), "control": control, "libraries": self.libraries}
        with standard_streams(), open(os.memfd_create("rlbench-setup"), "w+b") as stdin:
            stdin.write(json.dumps(setup).encode())
            stdin.seek(0)
            return subprocess.Popen(
                interpreter.command("template"),
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(control,),
                start_new_session=True,
                cwd=folder,
                env=interpreter.environment(folder),
            )

    def is_ready(self) -> bool:
        """Whether it can fork, once it has imported; False where it has not started in time, or not at all."""
        if self._ready is None:
            self._ready = self._received(_SECONDS_TO_START) == READY
        return self._ready

    def start(self, setup: dict[str, Any], descriptors: tuple[int, int, int], output: int, folder: str) -> int:
        """Start an agent's process, inside `adopting_orphans`; its number.

        Args:
            setup: What the worker needs, but for the descriptors.
            descriptors: The shared memory, calls and replies.
            output: Where it prints.
            folder: Its working folder, empty.

        Raises:
            OSError: There can be no more processes, or the template has ended.
        """
        with open(os.memfd_create("rlbench-setup"), "w+b") as stdin:
            stdin.write(json.dumps(setup).encode())
            stdin.seek(0)
            try:
                socket.send_fds(self._control, [folder.encode()], [stdin.fileno(), output, *descriptors])
            except ConnectionError:  # it has been killed; the next process is started without it
                self._ready = False
                raise
            number = int(self._received(_SECONDS_TO_FORK) or b"0")
        if number <= 0:
            self._ready = False if number == 0 else self._ready
            raise OSError(-number, os.strerror(-number) if number else "the template of agents' processes has ended")
        return number

    def _received(self, seconds: float) -> bytes:
        """What the template sends; nothing where it has ended, or not sent in time."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        with contextlib.suppress(ConnectionError):
            return self._control.recv(MAX_BYTES) if poll.poll(seconds * 1000) else b""
        return b""

    def _end(self) -> None:
        self._control.close()
        with waitable_children():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.0 if not self._ready else _SECONDS_TO_END)
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """End the template."""
        self._resources.close()

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def imported_ahead(entrant: Submission) -> tuple[str, ...]:
    """Those of LIBRARIES that a submission imports, or its adapter does, and that are the installed ones for it.

    None where a file of it names what may change imports: it may set variables that a library reads when it is loaded.
    """
    entry = f"{entrant.module}:{entrant.function}"
    if entrant.player is not None and entry not in adapters.ENTRIES:
        return ()
    found: set[str] = set()
    for path in sorted(entrant.folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if any(word in text for word in _BEFORE_IMPORTS):
            return ()
        with contextlib.suppress(SyntaxError, ValueError, RecursionError):
            found |= set(_imports(ast.parse(text)))
    if entry in adapters.ENTRIES:
        found.add(adapters.ENTRIES[entry].library)
    elif "stable_baselines3" in found:
        found.add(_OF_OPTIMIZERS)
    own = {each.name.partition(".")[0] for each in entrant.folder.iterdir()}
    known = found.intersection((*LIBRARIES, _OF_OPTIMIZERS))
    return tuple(sorted(each for each in known if each.partition(".")[0] not in own))


def _imports(tree: ast.Module) -> Iterator[str]:
    """The packages that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
