"""`rlbench check`: every mistake is named in the words of the contract, in seconds, and nothing is recorded."""

import json
import sys

import pytest

from rlbench import cli
from rlbench.harness import submission, trial
from rlbench.harness.tasks.suite import get_task
from tests.harness.conftest import submit  # noqa: F401  # a fixture

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
FAULTS = {
    "load raises": (
        "def load(task, spaces, seed):\n    return wieghts",
        "load failed: NameError: name 'wieghts' is not defined (agent.py:2)",
    ),
    "a missing package": (
        "import not_there",
        "No module named 'not_there' (agent.py:1); install it for this Python, or put its file into the folder",
    ),
    "no such entry": ("def laod(task, spaces, seed): ...", "has no attribute 'load'"),
    "what may not be read": (
        "def load(task, spaces, seed):\n    open('/etc/shadow')",
        "PermissionError: [Errno 13] Permission denied: '/etc/shadow' (agent.py:2); an agent reads its own folder",
    ),
}
ACTS = {
    "a wrong shape": ("return 1", "act failed (invalid_action): action must have shape (70,), got ()"),
    "a wrong dtype": ("return observation * 1.0", "action must be integers, got float64"),
    "out of bounds": ("return observation + 4", "is not within [0, 3]"),
    "in the third step": (
        "self.n = getattr(self, 'n', 0) + 1\nif self.n == 3: raise ValueError('odd')\nreturn observation % 4",
        "act failed (crash): ValueError: odd (agent.py:11)",
    ),
}


def check(capsys, *words):
    code = cli.main(["check", *map(str, words)])
    return (code, *capsys.readouterr())


@pytest.mark.parametrize("kind", [*FAULTS, *ACTS])
def test_a_fault_is_named(kind, submit, tmp_path, capsys, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    source, words = FAULTS.get(kind, (None, None))
    act, words = ACTS.get(kind, (None, words))
    code, out, err = check(capsys, submit(act, source=source, tasks=["grid-world@1"]), "--json")
    (row,) = json.loads(out)
    assert (code, err) == (1, "")
    assert (row["task"], row["result"]) == ("grid-world@1", "wrong")
    assert words in row["fault"]
    assert [each.name for each in tmp_path.iterdir()] == ["submission"]


def test_what_is_right_is_ok_on_each_of_its_tasks(submit, capsys):  # noqa: F811
    code, out, err = check(capsys, submit("return [1] * self.num_envs", tasks=["grid-world@1", "cart-pole@1"]))
    assert (code, err) == (0, "")
    assert out.count(" ok ") == 2


def test_a_folder_that_cannot_be_read_is_wrong_and_one_that_is_not_there_a_mistake(submit, capsys):  # noqa: F811
    assert check(capsys, submit("pass", entry="agnet:load"))[0] == 1
    assert check(capsys, submit("pass", source="def load(:"))[0] == 1
    code, _, err = check(capsys, submit("pass", tasks=["go@1"]))
    assert (code, err.startswith("error: tasks in submission.toml of probe: unknown task 'go@1'")) == (2, True)
    code, _, err = check(capsys, "nowhere")
    assert (code, err.count("\n")) == (2, 1)


def test_several_are_checked_and_a_folder_of_them(submit, tmp_path, capsys):  # noqa: F811
    good = submit("return [1] * self.num_envs", folder="all/good", tasks=["grid-world@1"])
    bad = submit("return 1", folder="all/bad", tasks=["grid-world@1"])
    code, out, err = check(capsys, good, tmp_path / "all", "random", "-t", "grid-world", "--json")
    assert (code, err) == (1, "")
    rows = [(row["submission"], row["result"]) for row in json.loads(out)]
    assert rows == [(str(good), "ok"), (str(bad), "wrong"), (str(good), "ok"), ("random", "ok")]
    code, out, err = check(capsys, "nowhere", good, "--json")
    assert (code, [row["result"] for row in json.loads(out)]) == (2, ["ok"])
    assert err.startswith("error: no submission at nowhere")


def test_what_is_no_fault_is_remarked(submit, capsys):  # noqa: F811
    act = "print('hello')\nimport os\nimport rlbench.errors\nreturn np.frombuffer(os.urandom(70), np.uint8) % 4"
    code, _, err = check(capsys, submit(act, tasks=["grid-world@1"]))
    assert code == 0
    assert "what it prints is dropped, such as: hello" in err
    assert "it imports rlbench, which later versions may change" in err
    assert "played twice with the same seed, its actions differ" in err


def test_a_task_that_it_does_not_list(submit, capsys):  # noqa: F811
    path = submit("return [1] * self.num_envs", tasks=["grid-world@1"])
    code, out, _ = check(capsys, path, "--task", "cart-pole", "--json")
    assert code == 1
    assert "is not under tasks in submission.toml" in json.loads(out)[0]["fault"]


def test_whoever_forgets_first_is_told(submit, capsys):  # noqa: F811
    source = "class A:\n    def act(self, x):\n        return (x[:, 2] > 0).astype(int)\ndef load(*a):\n    return A()"
    code, out, _ = check(capsys, submit(source=source), "--task", "cart-pole", "--json")
    assert code == 1
    assert "act takes no argument first, so it is given one observation at a time" in json.loads(out)[0]["fault"]


@pytest.mark.parametrize(("usual", "remarked"), [(0.01, False), (2.0, True)])
def test_only_calls_that_are_usually_slow_are_remarked(usual, remarked, submit):  # noqa: F811
    """In the first one libraries load and compile."""
    found = trial.Trial(None, 0.1, calls=20, slowest=2.0, usual=usual, printed="", actions=())
    said = list(trial.remarks(get_task("cart-pole"), submission.read(submit("return 0")), found))
    words = (
        "a call of act takes 2.00 s: 500 steps of them are more than the 600 s that there are for a block of episodes"
    )
    assert said == [words] * remarked
