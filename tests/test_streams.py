"""Standard output and error: any encoding, readers that go away, devices that are full."""

import ast
import io
import os
import sys
import termios
from pathlib import Path

import pytest

from rlbench import streams
from rlbench.errors import UserError
from rlbench.streams import OutputStream, encodable, output_streams

HARD = "a—b † ↑→↓← ┌─┐│█ … ≤ ö 中 \udcff"


@pytest.mark.parametrize(
    ("encoding", "errors", "shown"),
    [
        ("utf-8", "strict", HARD[:-1] + r"\udcff"),
        ("utf-8", "surrogateescape", HARD),
        ("latin-1", "strict", r"a-b + ^>v< +-+|# ... <= ö \u4e2d \udcff"),
        ("ascii", "strict", r"a-b + ^>v< +-+|# ... <= o \u4e2d \udcff"),
        ("cp1252", "strict", r"a—b † ^>v< +-+|# … <= ö \u4e2d \udcff"),
    ],
)
def test_what_an_encoding_lacks_is_substituted(encoding, errors, shown):
    assert encodable(HARD, encoding, errors) == shown
    bytes_ = io.BytesIO()
    stream = OutputStream(io.TextIOWrapper(bytes_, encoding=encoding, errors=errors, newline=""), must_arrive=True)
    stream.write(HARD)
    stream.flush()
    assert bytes_.getvalue() == shown.encode(encoding, errors)


def pipe_without_reader():
    read, write = os.pipe()
    os.close(read)
    return os.fdopen(write, "w", encoding="utf-8")


def test_what_nobody_reads_is_dropped():
    with pipe_without_reader() as file:
        stream = OutputStream(file, must_arrive=True)
        for _ in range(3):
            stream.write("line\n" * 100_000)
            stream.flush()
    assert stream.write("more") == 4


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("text", ["short", "long" * 100_000])
def test_a_full_device_is_a_mistake_that_is_said_once_more_at_the_end(text):
    with open("/dev/full", "w", encoding="utf-8") as file:
        stream = OutputStream(file, must_arrive=True)
        with pytest.raises(UserError, match="cannot write to standard output: No space left on device"):
            print(text, file=stream, flush=True)
        stream.write("dropped")
        with pytest.raises(UserError, match="No space left"):
            stream.flush()  # whoever swallowed the first error has lost output all the same
    with open("/dev/full", "w", encoding="utf-8") as file:
        remarks = OutputStream(file, must_arrive=False)
        remarks.write(text)
        remarks.flush()


def test_streams_that_are_not_there_take_everything(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with output_streams():
        print("nowhere", flush=True)
        print("nowhere", file=sys.stderr)
        assert not sys.stdout.isatty()
    assert sys.stdout is None


def test_streams_are_restored_and_a_slow_reader_is_waited_for(monkeypatch):
    read, write = os.pipe()
    os.set_blocking(write, False)
    with os.fdopen(read, "rb"), os.fdopen(write, "w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdout", file)
        with output_streams():
            assert sys.stdout is not file
            assert os.get_blocking(write)
        assert sys.stdout is file
        assert not os.get_blocking(write)


@pytest.mark.parametrize(
    ("given", "found"),
    [("80", 80), ("1", 1), ("0", None), ("", None), ("-5", None), ("x", None), ("080", 80), ("9" * 5000, 10_000)],
)
def test_columns_of_a_pipe(monkeypatch, given, found):
    monkeypatch.setenv("COLUMNS", given)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert streams.columns() == found


@pytest.mark.skipif(sys.version_info < (3, 11), reason="termios.tcsetwinsize is new in 3.11")
def test_columns_of_a_terminal(monkeypatch):
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert streams.columns() == 80, "a terminal that does not say"
        termios.tcsetwinsize(theirs, (10, 33))
        assert streams.columns() == 33


ROOT = Path(__file__).parent.parent
WRITERS = {
    "rlbench/streams.py": "the streams themselves",
    "rlbench/program.py": "usage, version and mistakes",
    "rlbench/cli.py": "usage and version",
    "rlbench/progress.py": "bars",
    "rlbench/commands/shared/output.py": "all that commands print",
    "rlbench/commands/gtp.py": "answers of the Go Text Protocol, flushed one by one",
    "rlbench/commands/doctoring/surroundings.py": "says which encoding there is",
    "rlbench/core/compiler/lowering.py": "replies of a process of its own",
    "rlbench/envs/locomotion/opengl_process.py": "replies of a process of its own",
    "rlbench/harness/isolation/worker.py": "writes nothing; has an agent's output leave line by line",
}
STREAMS = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}


def mentions_a_stream(path):
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    prints = any(isinstance(node, ast.Call) and ast.unparse(node.func) == "print" for node in nodes)
    return prints or any(isinstance(node, ast.Attribute) and ast.unparse(node) in STREAMS for node in nodes)


def test_output_leaves_in_one_place():
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "rlbench").rglob("*.py") if mentions_a_stream(path)}
    assert found == WRITERS.keys()
