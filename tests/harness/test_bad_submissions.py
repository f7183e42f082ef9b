"""Submissions of every wrong kind: each is refused in one line that can be shown, or read; nothing else happens."""

import contextlib
import json
import os
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlbench.errors import UserError, one_line
from rlbench.harness import submission

FIELDS = ("name", "version", "authors", "tasks", "entry", "training_seed", "training_steps", "device", "other")
VALUES = st.one_of(
    st.text(max_size=200),
    st.sampled_from(["agent:load", "rlbench:layers", "rlbench:search", "cpu", "*", "\x1b[2J", "a" * 5_000, "\u202e"]),
    st.integers(),
    st.booleans(),
    st.floats(),
    st.lists(st.text(max_size=20) | st.integers(), max_size=4),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
MANIFESTS = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=10), VALUES, max_size=9)
VALID = {"name": "a", "version": "1", "authors": ["b"], "tasks": ["*"], "entry": "agent:load"}
NAMES = st.sampled_from(
    ["agent.py", "submission.toml", "graph.json", "weights.safetensors", "search.json", "x\n\x1b[1m"]
)
CONTENTS = st.binary(max_size=300) | st.sampled_from(
    [b"[" * 50_000, b"{" * 9_000, b"\0" * 9_000, b"(" * 50_000, b"x = 1\n" * 9_000, b"\xff\xfe", b"\x80" * 8 + b"{}"]
)
KINDS = st.sampled_from(["file", "pipe", "zeros", "nowhere", "itself", "folder", "socket", "sparse"])


def put(path, kind, content):
    """Something at a path."""
    with contextlib.suppress(FileExistsError, OSError):
        path.unlink(missing_ok=True)
        match kind:
            case "pipe":
                os.mkfifo(path)
            case "zeros":
                path.symlink_to("/dev/zero")
            case "nowhere":
                path.symlink_to("nothing")
            case "itself":
                path.symlink_to(path.name)
            case "folder":
                path.mkdir()
            case "socket":
                with socket.socket(socket.AF_UNIX) as listening:
                    listening.bind(str(path))
            case "sparse":
                with path.open("wb") as file:
                    file.truncate(4 << 30)
            case _:
                path.write_bytes(content)


def toml(fields):
    """Fields as TOML, as far as JSON is; others are wrong in yet another way."""
    return "".join(f"{json.dumps(name)} = {json.dumps(value)}\n" for name, value in fields.items())


@pytest.mark.parametrize("examples", [60, pytest.param(1_200, marks=pytest.mark.slow)])
def test_whatever_is_submitted_is_read_or_refused_in_one_line(examples, tmp_path_factory):
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(fields=MANIFESTS, valid=st.booleans(), things=st.lists(st.tuples(NAMES, KINDS, CONTENTS), max_size=4))
    def check(fields, valid, things):
        folder = tmp_path_factory.mktemp("s")
        text = toml((VALID if valid else {}) | fields)
        (folder / "submission.toml").write_text(text, encoding="utf-8", errors="surrogatepass")
        (folder / "agent.py").write_text("def load(*_): pass", encoding="utf-8")
        for name, kind, content in things:
            put(folder / name, kind, content)
        try:
            submission.read(folder)
        except UserError as error:
            said.append((one_line(error).replace(str(folder), ""), folder))

    said = []
    check()
    assert len(said) > examples // 10
    assert [line for line, _ in said if len(line) > 300 or not line.isprintable()] == []
