"""Text files and text of other programs: every call that opens them names its encoding, whatever the locale is.

Ruff's PLW1514 sees such calls where it can infer types; this test reads every call of the sources.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("rlbench", "baselines", "tests")
UNCHANGEABLE = ("baselines/pretrained/",)  # in the digests of submissions; they read ASCII
OTHER_OPENERS = {
    "os",
    "Image",
    "Pillow",
    "webbrowser",
    "tarfile",
    "zipfile",
    "packed",
}  # whose `open` takes no encoding
COMPRESSED = {"gzip.open", "bz2.open", "lzma.open"}
TEMPORARY = {"NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile"}
TEXT = {"open", "io.open", "os.fdopen", "io.TextIOWrapper", "TextIOWrapper", "logging.FileHandler"}
BY_THE_LOCALE = {"os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}  # which cannot name an encoding
POSITION = {"read_text": 0, "write_text": 1}  # of the encoding among the arguments


def mode_of(call, position):
    """The mode that a call gives: a constant, "" by default, and "?" where only the run can tell."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    node = given.get("mode", call.args[position] if len(call.args) > position else ast.Constant(""))
    return str(node.value) if isinstance(node, ast.Constant) else "?"


def leaves_its_encoding_to_the_locale(call):
    """Whether a call opens text, or runs a program whose output is text, and names no encoding."""
    name = ast.unparse(call.func)
    owner, _, method = name.rpartition(".")
    named = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if "encoding" in named:
        return False
    if name in BY_THE_LOCALE or "True" in (named.get("text"), named.get("universal_newlines")):
        return True
    if method in POSITION:
        return len(call.args) <= POSITION[method]
    if name in COMPRESSED:
        return "t" in mode_of(call, 1)
    if method in TEMPORARY:
        return mode_of(call, 0) != "" and "b" not in mode_of(call, 0)
    if name in TEXT:
        return "b" not in mode_of(call, 1)
    return method == "open" and owner.rpartition(".")[2] not in OTHER_OPENERS and "b" not in mode_of(call, 0)


def calls_by_the_locale(source):
    """The calls of a source that leave their encoding to the locale, as `line: call`."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [f"{call.lineno}: {ast.unparse(call)}" for call in calls if leaves_its_encoding_to_the_locale(call)]


def test_every_text_names_its_encoding():
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    names = {path: path.relative_to(ROOT).as_posix() for path in paths}
    found = [
        f"{names[path]}:{call}"
        for path in paths
        if not names[path].startswith(UNCHANGEABLE)
        for call in calls_by_the_locale(path.read_text(encoding="utf-8"))
    ]
    assert len(paths) > 200
    assert found == []


@pytest.mark.parametrize(
    ("source", "faulty"),
    [
        ("open(path)", True),
        ("open(path, 'rb')", False),
        ("open(path, mode)", True),
        ("open(path, 'w', encoding='utf-8')", False),
        ("path.open()", True),
        ("path.open('wb')", False),
        ("path.open('a', encoding='utf-8')", False),
        ("os.open(path, os.O_RDONLY)", False),
        ("os.fdopen(3, 'w')", True),
        ("os.popen('ls')", True),
        ("path.read_text()", True),
        ("path.read_text('utf-8')", False),
        ("path.write_text('x')", True),
        ("path.write_text('x', newline='')", True),
        ("path.write_text('x', encoding='utf-8')", False),
        ("run(words, text=True)", True),
        ("run(words, text=True, encoding='utf-8')", False),
        ("run(words)", False),
        ("tempfile.NamedTemporaryFile()", False),
        ("tempfile.NamedTemporaryFile('w')", True),
        ("tempfile.NamedTemporaryFile('w+b')", False),
        ("gzip.open(path)", False),
        ("gzip.open(path, 'rt')", True),
        ("io.TextIOWrapper(stream)", True),
        ("Image.open(path)", False),
    ],
)  # fmt: skip
def test_a_call_by_the_locale_is_found(source, faulty):
    assert bool(calls_by_the_locale(source)) == faulty
