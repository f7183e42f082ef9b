"""Exit codes: what the surroundings lack is no fault of rlbench, and the other way round."""

import errno

import pytest
from gymnasium.error import DependencyNotInstalled

from rlbench.errors import HarnessError, UserError
from rlbench.exit_codes import exit_code
from rlbench.program import run_program

NUMPY = type("_ArrayMemoryError", (MemoryError,), {})


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("two\n  lines"), 2, "error: two lines"),
        (HarnessError("lost"), 3, "harness fault: lost"),
        (DependencyNotInstalled('no Box2D; run `pip install "gymnasium[box2d]"`'), 2, "gymnasium[box2d]"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), 2, 'pip install "rlbench[baselines]"'),
        (ModuleNotFoundError("No module named 'ale_py'", name="ale_py"), 2, 'pip install "rlbench[atari]"'),
        (ModuleNotFoundError("No module named 'tyro'", name="tyro"), 2, 'tyro is not installed; pip install "tyro"'),
        (ImportError("libGL.so.1: cannot open shared object file", name="cv2.cv2"), 2, "libGL.so.1"),
        (ModuleNotFoundError("No module named 'rlbench.core'", name="rlbench.core"), 3, "fault of rlbench"),
        (ImportError("cannot import name 'x' from 'baselines'", name="baselines"), 3, "fault of rlbench"),
        (MemoryError(), 2, "out of memory"),
        (NUMPY("Unable to allocate 7. TiB"), 2, "7. TiB"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"), 2, "out of memory"),
        (RuntimeError("can't start new thread"), 2, "ulimit -u"),
        (ImportError("libx.so: failed to map segment from shared object", name="_C"), 2, "out of memory"),
        (ModuleNotFoundError("No module named 'PIL'", name="PIL"), 2, 'pip install "pillow"'),
        (RecursionError("maximum recursion depth exceeded"), 3, "fault of rlbench"),
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), 2, "error: 'a/b': No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 2, "'x': Permission denied"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 2, "the system: Cannot allocate memory"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 3, "fault of rlbench"),
        (ValueError("x"), 3, "fault of rlbench"),
    ],
)
def test_each_cause_has_its_code_and_one_line(error, code, words):
    found, line = exit_code(error)
    assert found == code
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("interrupted; the same command begins anew", "interrupted; the same command begins anew\n"),
        ("decoding with 'utf-8-sig' codec failed (KeyboardInterrupt: )", "interrupted\n"),
        ("", "interrupted\n"),
    ],
)
def test_an_interruption_is_said_in_words_of_our_own(words, said, capsys):
    def work():
        raise KeyboardInterrupt(words)

    assert run_program(work, goes_on=False) == 130
    assert capsys.readouterr().err == said
