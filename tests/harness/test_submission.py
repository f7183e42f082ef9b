import contextlib
import json
import os
import subprocess
import sys

import pytest

from rlbench.errors import UserError
from rlbench.harness import contents, submission
from rlbench.harness.tasks.suite import get_task

MALFORMED = {
    "not TOML": ("name = ", "submission.toml cannot be read as TOML: Invalid value"),
    "not text": (b"\xff\xfe", r"submission.toml is not text in UTF-8"),
    "missing field": ({"entry": None}, r'submission.toml has no entry; add, for example, entry = "agent:load"'),
    "unknown field": ({"taks": ["x@1"]}, r"unknown field 'taks'; did you mean tasks\?"),
    "name with a slash": ({"name": "../dqn"}, r"name = '../dqn' is not valid; write, for example, name = \"my-agent\""),
    "empty name": ({"name": ""}, "name = '' is not valid"),
    "number for text": ({"version": 1}, "version = 1 is not valid"),
    "text for a list": ({"tasks": "cart-pole@1"}, "tasks = 'cart-pole@1' is not valid"),
    "empty task": ({"tasks": [""]}, r"tasks = \[''\] is not valid"),
    "no authors": ({"authors": []}, r"authors = \[\] is not valid"),
    "seed beyond 64 bits": ({"training_seed": 2**63}, "training_seed = 9223372036854775808 is not valid"),
    "lines": ({"authors": ["A\nB"]}, r"authors = \['A\\nB'\] is not valid"),
    "nesting": (b"a = " + b"[" * 5_000 + b"]" * 5_000, "submission.toml cannot be read as TOML: "),
    "nested keys": (b"name" + b".a" * 5_000 + b" = 1", "submission.toml"),
    "many digits": (b"training_seed = " + b"9" * 60_000, "submission.toml"),
    "a large file": (b"#" * (1 << 20), "submission.toml: it has more than 65,536 bytes"),
    "no module": ({"entry": "load"}, "entry = 'load' is not valid"),
    "a path for a module": ({"entry": "src/agent.py:load"}, "entry = 'src/agent.py:load' is not valid"),
    "dots": ({"entry": "package.agent:load"}, "entry = 'package.agent:load' is not valid"),
    "another module": ({"entry": "main:load"}, r"no main.py in .*, which entry in .* asks for"),
    "boolean seed": ({"training_seed": True}, "training_seed = True is not valid"),
    "negative seed": ({"training_seed": -1}, "training_seed = -1 is not valid"),
    "float steps": ({"training_steps": 5e4}, "training_steps = 50000.0 is not valid"),
    "device": ({"device": "tpu"}, "device = 'tpu' is not valid"),
}


@pytest.mark.parametrize(("change", "words"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_manifests(submit, change, words):
    path = submit("pass")
    manifest = path / "submission.toml"
    if isinstance(change, dict):
        fields = {"name": "a", "version": "1", "authors": ["b"], "tasks": ["*"], "entry": "agent:load"} | change
        change = "\n".join(f"{k} = {json.dumps(v)}" for k, v in fields.items() if v is not None)
    manifest.write_bytes(change if isinstance(change, bytes) else change.encode())
    with pytest.raises(UserError, match=words) as error:
        submission.read(path)
    assert "\n" not in str(error.value)


SOURCES = {
    "syntax": (b"def load(:\n  pass", "agent.py, line 1: syntax error, invalid syntax"),
    "indentation": (b"def load(a):\nreturn", "agent.py, line 2: syntax error, expected an indented block"),
    "return outside": (b"x = 1\nreturn x", "agent.py, line 2: syntax error, 'return' outside function"),
    "null byte": (b"x = 1\0", "agent.py.*null byte"),
    "encoding": (b"x = '\xff'", "agent.py.*syntax error"),
    "nesting": (b"x = " + b"(" * 10_000 + b")" * 10_000, "agent.py.*nested|too complex|parentheses"),
}


@pytest.mark.parametrize(("source", "words"), SOURCES.values(), ids=SOURCES.keys())
def test_sources_that_are_not_python(submit, source, words):
    path = submit("pass")
    (path / "agent.py").write_bytes(source)
    with pytest.raises(UserError, match=words) as error:
        submission.read(path)
    assert "\n" not in str(error.value)


def test_a_source_too_large_to_be_compiled_here_is_left_to_the_agents_process(submit):
    path = submit("pass")
    (path / "agent.py").write_bytes(b"x = 1\n" * (submission.MAX_CHECKED // 6 + 1) + b"def load(:")
    assert submission.read(path).name == "probe"


@pytest.mark.parametrize("source", [b"-" * 200_000 + b"1", b"1" + b"+1" * 100_000, b"x" + b".a" * 100_000])
def test_sources_that_are_hard_to_parse_end_in_a_line(submit, source):
    path = submit("pass")
    (path / "agent.py").write_bytes(source)
    with contextlib.suppress(UserError):
        submission.read(path)  # whatever it says, it says so, and soon


def test_checking_runs_nothing(submit, tmp_path):
    path = submit(source=f"open({str(tmp_path / 'ran')!r}, 'w')\nassert 'a' is 'a', '\\d'")
    submission.read(path)
    assert not (tmp_path / "ran").exists()


def test_missing_parts(tmp_path, submit):
    with pytest.raises(UserError, match=r"no submission at .*nowhere: .* or random"):
        submission.read(tmp_path / "nowhere")
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="no submission at"):
        submission.read(file)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match=r"no submission.toml in .*; write one with name, version"):
        submission.read(empty)
    path = submit("pass")
    (path / "agent.py").unlink()
    with pytest.raises(UserError, match=r"no agent.py in .*, which entry in .*submission.toml asks for"):
        submission.read(path)


def test_what_is_read(submit):
    entrant = submission.read(
        submit("pass", tasks=["cart-pole@1"], training_seed=7, training_steps=50_000, device="cuda")
    )
    assert (entrant.name, entrant.version, entrant.authors) == ("probe", "1", ("a test",))
    assert (entrant.module, entrant.function) == ("agent", "load")
    assert (entrant.training_seed, entrant.training_steps, entrant.device) == (7, 50_000, "cuda")
    assert entrant.plays(get_task("cart-pole@1"))
    assert not entrant.plays(get_task("grid-world@1"))


def test_random_is_built_in():
    entrant = submission.read("random")
    assert (entrant.name, entrant.training_seed, entrant.training_steps) == ("random", None, None)
    assert entrant.plays(get_task("cart-pole@1"))


def test_the_digest_is_of_names_and_contents_alone(submit):
    path = submit("pass")
    before = submission.read(path).digest
    assert len(before) == 64
    (path / ".git").mkdir()
    (path / ".git" / "HEAD").write_text("x", encoding="utf-8")
    (path / ".hidden").write_text("x", encoding="utf-8")
    (path / "__pycache__").mkdir()
    (path / "__pycache__" / "agent.pyc").write_text("x", encoding="utf-8")
    (path / "empty").mkdir()
    (path / "agent.py").touch()
    assert submission.read(path).digest == before
    copy = path.with_name("elsewhere")
    path.rename(copy)
    assert submission.read(copy).digest == before

    digests = {before}
    (copy / "empty" / "ab").write_text("c", encoding="utf-8")
    digests.add(contents.digest(copy))
    (copy / "empty" / "ab").rename(copy / "empty" / "a")
    digests.add(contents.digest(copy))
    (copy / "empty" / "a").write_text("bc", encoding="utf-8")
    digests.add(contents.digest(copy))
    (copy / "agent.py").write_text("x = 1", encoding="utf-8")
    digests.add(contents.digest(copy))
    assert len(digests) == 5


def test_the_digest_agrees_with_a_shell(submit):
    """A second opinion: the same bytes put together by hand and hashed by coreutils."""
    path = submit("pass")
    script = """
import pathlib, sys
out = sys.stdout.buffer
for name in ("agent.py", "submission.toml"):
    for data in (name.encode(), pathlib.Path(sys.argv[1], name).read_bytes()):
        out.write(len(data).to_bytes(8, "big") + data)
"""
    data = subprocess.run([sys.executable, "-c", script, path], capture_output=True, check=True).stdout
    shell = subprocess.run(["sha256sum"], input=data, capture_output=True, check=True).stdout.decode()
    assert contents.digest(path) == shell.split()[0]


def test_names_that_are_no_text_have_a_digest(submit):
    path = submit("pass")
    before = submission.read(path).digest
    (path / os.fsdecode(b"\xff.txt")).write_bytes(b"")
    assert submission.read(path).digest != before


def test_weights_that_numpy_cannot_hold_and_files_that_are_none_are_refused(tmp_path):
    """bfloat16, which NumPy knows beside jax alone; and a pipe, which would block for ever."""
    header = json.dumps({"q.weight": {"dtype": "BF16", "shape": [2, 4], "data_offsets": [0, 16]}}).encode()
    files = {"weights.safetensors": len(header).to_bytes(8, "little") + header + bytes(16)}
    files["graph.json"] = json.dumps(
        {
            "format": 1,
            "nodes": [
                {
                    **{"name": "q", "op": "linear", "inputs": ["observation"]},
                    **{"in_features": 4, "out_features": 2, "bias": False},
                }
            ],
            **{"outputs": {}, "act": {"op": "argmax", "input": "q"}, "explain": {}},
        }
    ).encode()
    files["submission.toml"] = (
        b'name = "lean"\nversion = "1"\nauthors = ["A"]\ntasks = ["cart-pole@1"]\nentry = "rlbench:layers"\n'
    )
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=r"weights\.safetensors.* float32"):
        submission.read(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    os.mkfifo(tmp_path / "weights.safetensors")
    with pytest.raises(UserError, match=r"weights\.safetensors: it is not a file"):
        submission.read(tmp_path)
