"""Messages of rooms that commands and functions share: to whoever calls a function they name its arguments."""

import ast
import functools
import re

import pytest

import rlbench
from rlbench.api.python_words import OPTION, in_python
from tests.test_layering import ROOT, import_graph, reached

FUNCTIONS = (
    *(rlbench.evaluate, rlbench.check, rlbench.load_results, rlbench.leaderboard, rlbench.verify),
    *(rlbench.train, rlbench.watch),
)
OF_COMMANDS = {
    "--executor": "evaluate, whose function plays in processes",
    "--frames": "play and watch",
    "--record": "play and watch",
    "--trace": "play",
    "--seeds": "run, in what a page says",
    "--shard": "evaluate",
    "--x": "all that take NAME=VALUE, which functions take as dicts",
    "--csv": "all that draw tables",
    "--json": "all, in their help",
}
"""Options in messages that no function raises, and the commands that say them."""


def options_in(message):
    """The options that a message names outside of backticks."""
    return [f"--{found['name']}" for found in OPTION.finditer(message) if found["name"]]


def text_of(node):
    """The text of a string as it is written; `x` for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(text_of(part) if isinstance(part, ast.Constant) else "x" for part in node.values)


def messages_of(path):
    """Every text with an option in it that is more than a word, and no docstring, and no whole command."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {part for each in ast.walk(tree) if isinstance(each, ast.JoinedStr) for part in each.values}
    docs = {each.value for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Constant) and node not in inside | docs:
            text = text_of(node)
            if options_in(text) and " " in text and not text.startswith("rlbench "):
                yield text


@functools.cache
def messages():
    """The messages of every module that a module of the Python API imports, by imports of imports."""
    graph = import_graph(ROOT)
    api = [name for name in graph if name.startswith("rlbench.api.")]
    names = sorted({*api, *(name for each in api for name in reached(graph, each) if name in graph)})
    names += sorted(name for name in graph if name.startswith("baselines.") and ".studies" not in name)
    paths = (ROOT.joinpath(*name.split(".")) for name in names)
    files = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py") for path in paths)
    return [(path.relative_to(ROOT).as_posix(), text) for path in files for text in messages_of(path)]


def test_every_message_can_be_said_in_python_but_for_those_of_commands_alone():
    assert len(messages()) > 15
    unsaid = {}
    for path, text in messages():
        trains = path.startswith(("baselines/", "rlbench/api/train"))  # which takes settings of any name
        callers = [each for each in FUNCTIONS if trains or each != rlbench.train]
        for option in options_in(functools.reduce(in_python, callers, text)):
            unsaid.setdefault(option, []).append((path, text))
    assert unsaid.keys() == OF_COMMANDS.keys(), unsaid


@pytest.mark.parametrize(
    ("function", "message", "said"),
    [
        (rlbench.check, "a lists no task; give one with --task", "a lists no task; give one with task=..."),
        (rlbench.evaluate, "begun with --isolation=process; go on", "begun with isolation='process'; go on"),
        (rlbench.evaluate, "begun without --traces", "begun without traces=True"),
        (rlbench.evaluate, "`rlbench verify --traces` keeps them", "`rlbench verify --traces` keeps them"),
        (rlbench.evaluate, "--shard is I/N", "--shard is I/N"),
        (rlbench.train, "--no-resume begins anew, --out keeps", "resume=False begins anew, out=... keeps"),
        (rlbench.train, "give --batch-size=32 (--tensorboard)", "give batch_size=32 (tensorboard=True)"),
        (rlbench.watch, "--set is for environments", "env_kwargs=... is for environments"),
        (rlbench.leaderboard, "x is a suite: --suite=x, or", "x is a suite: suite='x', or"),
        (rlbench.verify, "a -- b --- c a--task", "a -- b --- c a--task"),
    ],
)
def test_options_become_arguments(function, message, said):
    assert in_python(message, function) == said
    assert in_python(said, function) == said


MANIFEST = 'name = "mine"\nversion = "1"\nauthors = ["me"]\ntasks = []\nentry = "agent:load"\n'
MISTAKES = {
    "no task": (lambda folder: rlbench.check(folder), "mine lists no task; give one with task="),
    "no task to watch": (
        lambda folder: rlbench.watch("random", env_kwargs={"length": 1.0}),
        r"env_kwargs=\.\.\. is for environments: give one with task=",
    ),
    "which task": (lambda folder: rlbench.watch("random"), "which task\\? give task="),
    "a suite": (lambda folder: rlbench.leaderboard(tasks=["quick"]), "quick is a suite and no task: suite='quick', or"),
    "unfit": (
        lambda folder: rlbench.train("q-learning", "hopper", out=folder / "out", quiet=True, here=True),
        "rlbench train ppo or .*, with task='hopper@1'",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_names_arguments(case, tmp_path, monkeypatch):
    (tmp_path / "submission.toml").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "agent.py").write_text("def load(*_): ...", encoding="utf-8")
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    call, message = MISTAKES[case]
    with pytest.raises(rlbench.UserError, match=message) as raised:
        call(tmp_path)
    assert not re.search(r"(?<!`)--\w", str(raised.value))
