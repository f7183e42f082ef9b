"""The batch compiler: scalar rules in, loops over N environments out. The only file that knows Numba.

For each rules module it makes the text of a Python module (`compiler.template`) and lets Numba compile it; the machine
code is kept on disk (`compiler.cache`). Names there carry a sha256 of all that the code was made from, since a cached
loop otherwise returns yesterday's dynamics after an edit. Within a process each module is made once, since a second
copy is compiled again at the first call.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import linecache
import os
import pickle
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from rlbench.core.compiler import cache, mistakes
from rlbench.core.compiler.cache import cache_folder as cache_folder
from rlbench.core.compiler.codegen import PADDING
from rlbench.core.compiler.pool import ParallelLoop, ThreadPool, has_pools, process_pool
from rlbench.core.compiler.rehearsal import rehearse
from rlbench.core.compiler.rules_text import module_texts
from rlbench.core.compiler.template import CACHED, source
from rlbench.core.compiler.work_stealing import ENTRIES, pool_source
from rlbench.core.world import World
from rlbench.errors import UserError
from rlbench.process import scopes, system

# Environments from which a batch has threads by default, which share its steps where that is faster. Rules that compute
# much may set PARALLEL_FROM themselves.
PARALLEL_FROM = 512
WORTH_SHARING = 15_000  # nanoseconds that a step takes, at least
CHUNK_TIME = 4_000  # nanoseconds that a thread works at a time: to take a chunk costs 50 to 250

MODES = {AutoresetMode.NEXT_STEP: 0, AutoresetMode.SAME_STEP: 1, AutoresetMode.DISABLED: 2}  # as the loops number them


STATED = {
    "NUMBA_DISABLE_JIT": "0",  # the generated text is no Python: it holds an intrinsic
    "NUMBA_OPT": "3",  # these decide what machine code is, and the names in the cache do not tell them
    "NUMBA_BOUNDSCHECK": "0",
    "NUMBA_DEBUGINFO": "0",
}
"""Numba's settings by which our code is compiled, whatever the environment says for other code."""


def check_thread_count() -> None:
    """Refuse, before Numba is imported, a number of threads that it cannot start with.

    Raises:
        UserError: NUMBA_NUM_THREADS is not a positive integer.
    """
    asked = os.environ.get("NUMBA_NUM_THREADS", "1")
    if not (asked.strip().isdecimal() and int(asked) > 0):
        raise UserError(f"NUMBA_NUM_THREADS is {asked!r}, not a number of threads; set it to 1 or more, or unset it")


def _state() -> Callable[[], Any]:
    check_thread_count()
    stack = contextlib.ExitStack()
    stack.enter_context(system.environment(**{name: STATED[name] for name in STATED if name in os.environ}))
    from numba.core import config

    config.reload_config()
    before, config.DISABLE_JIT = config.DISABLE_JIT, 0  # a program or a file may have set it, too

    def undo() -> None:
        config.DISABLE_JIT = before
        stack.close()
        config.reload_config()  # from the environment, where we have changed that

    return undo


numba_settings = scopes.SharedScope(_state)
"""Numba compiles by our settings inside, and by the caller's afterwards."""


def step_loop(world: World, num_envs: int, parallel: bool | None) -> tuple[Callable[..., int], int]:
    """The compiled step loop for a batch of rules, and its number of threads.

    Args:
        world: The rules and their parameters.
        num_envs: How many environments the batch has; small ones are stepped serially by default.
        parallel: Whether it may have threads; None for where that can be worth it.
    """
    loops: Any = compiled(world)
    small = num_envs < getattr(world.rules, "PARALLEL_FROM", PARALLEL_FROM)
    threads = min(thread_count(), num_envs)
    if parallel is False or (parallel is None and small) or threads < 2 or not has_pools():
        return loops.step_serial, 1
    pool = functools.partial(process_pool.find, new_pool)
    return ParallelLoop(loops.step_parallel, threads, WORTH_SHARING, CHUNK_TIME, pool), threads


def new_pool() -> ThreadPool:
    """A pool of as many threads as there may be."""
    steal, run_worker = pool_functions()
    return ThreadPool(steal.address, run_worker.address, thread_count())


@functools.cache
def pool_functions() -> tuple[Any, Any]:
    """`steal` and `run_worker` as C functions, which are never deleted: threads may run them."""
    from numba import int64
    from numba.core.ccallback import CFunc

    module = compiled_text("pool", pool_source(), ())
    functions = []
    for name, count in zip(ENTRIES, (5, 1), strict=True):
        signature, options = ((int64,) * count, int64), {"error_model": "numpy", "_nrt": False}
        function: Any = CFunc(getattr(module, name), signature, {}, options)
        function._cache = MachineCode(f"{module.__name__}.{name}", pool_source())
        with numba_settings():
            function.compile()
        functions.append(function)
    return functions[0], functions[1]


def thread_count() -> int:
    """How many threads a batch may have: NUMBA_NUM_THREADS, or one per core of this process."""
    import numba

    return int(numba.config.NUMBA_NUM_THREADS)


def working_memory(world: World, threads: int = 1) -> tuple[NDArray[Any], ...]:
    """Arrays to work in, [PADDING * threads, ...]: per thread, as one per environment would leave the cache."""
    rows = PADDING * threads
    return tuple(np.zeros((rows, *array.shape), array.dtype) for array in world.working_memory().values())


def compiled(world: World) -> ModuleType:
    """The compiled loops of these rules: `reset`, `step_serial`, `step_parallel`; of some `begin`, `advance`, too."""
    origins = origins_of(world.rules)
    if origins:
        rehearse(world)
    text = source(world)
    stem = world.name.replace(".", "_")
    return compiled_text(f"batch_{stem}", text, CACHED, origins)


def compiled_text(
    stem: str, text: str, functions: tuple[str, ...], origins: tuple[mistakes.RulesText, ...] = ()
) -> ModuleType:
    """The module of a generated text.

    Args:
        stem: Beginning of its name.
        text: The text, whose functions are compiled when they are first called.
        functions: Names of those whose machine code is worth keeping.
        origins: Texts of the user's rules in it, whose mistakes are told by their files and lines.
    """
    with numba_settings():
        return _make_once(f"rlbench_{stem}_{_digest(text)}", text, functions, origins)


def origins_of(rules: Any) -> tuple[mistakes.RulesText, ...]:
    """The texts of rules with their files; none for those of rlbench, whose mistakes are its own."""
    if rules.__name__.partition(".")[0] == "rlbench":
        return ()
    texts = module_texts(rules, rules.__name__.rpartition(".")[0])
    return tuple(mistakes.RulesText(str(sys.modules[name].__file__), text) for name, text in texts.items())


@functools.cache
def _make_once(name: str, text: str, functions: tuple[str, ...], origins: tuple[mistakes.RulesText, ...]) -> ModuleType:
    """The module of a generated text, some of whose functions keep their machine code in the cache.

    The text is stored for those who want to read it; it is never read back.
    """
    content = text.encode()
    path = f"{name}.py"
    if cache.load(path) != content:
        cache.store(path, content)
    module = ModuleType(name)
    module.__file__ = path
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)  # for tracebacks
    sys.modules[name] = module
    exec(compile(text, path, "exec"), module.__dict__)
    for each in functions:
        function = getattr(module, each, None)
        if function is None:
            continue
        function._cache = MachineCode(f"{name}.{each}", text)
        # Called for each new kind of arguments.
        function.compile = _by_our_settings(_explaining(function.compile, path, text, origins))
    return module


def _explaining(
    compile_: Callable[..., Any], path: str, text: str, origins: tuple[mistakes.RulesText, ...]
) -> Callable[..., Any]:
    """The function, whose errors are those of the user's rules where there are any."""

    def explaining(*arguments: Any) -> Any:
        try:
            return compile_(*arguments)
        except (UserError, MemoryError, OSError):
            raise
        except Exception as error:
            if not origins:
                raise
            raise mistakes.explained(error, path, text, origins) from error

    return explaining


def _by_our_settings(function: Callable[..., Any]) -> Callable[..., Any]:
    def inside(*arguments: Any) -> Any:
        with numba_settings():
            return function(*arguments)

    return inside


class MachineCode:
    """Numba's cache of one function, in files that prove whole: a stand-in for its own, which believes any file.

    Args:
        name: Beginning of the files' names.
        text: The generated text that the function is in. Its digest comes first in each file: code that was made from
            another text is neither unpickled nor run.
    """

    cache_path = None

    def __init__(self, name: str, text: str) -> None:
        self._name, self._made_from = name, hashlib.sha256(text.encode()).digest()

    def load_overload(self, signature: Any, target: Any) -> Any:
        """The compiled function for these types of arguments on this processor; None where it must be compiled."""
        from numba.core.compiler import CompileResult

        target.refresh()
        content = cache.load(self._file(signature, target.codegen()))
        if content is None or not content.startswith(self._made_from):
            return None
        with contextlib.suppress(Exception):  # a whole file of another build of Numba
            return CompileResult._rebuild(target, *pickle.loads(content[len(self._made_from) :]))

    def save_overload(self, signature: Any, result: Any) -> None:
        """Store a compiled function."""
        from numba.core.serialize import dumps

        if not result.library.has_dynamic_globals:
            cache.store(self._file(signature, result.codegen), self._made_from + dumps(result._reduce()))

    def _file(self, signature: Any, codegen: Any) -> str:
        key = repr((signature, codegen.magic_tuple()))
        return f"{self._name}.{hashlib.sha256(key.encode()).hexdigest()[:16]}.nbc"


def _digest(text: str) -> str:
    import llvmlite
    import numba

    versions = f"{sys.version} {np.__version__} {numba.__version__} {llvmlite.__version__}"
    return hashlib.sha256(f"{versions}\n{text}".encode()).hexdigest()[:16]
