"""`rlbench.check`: the rows of the command."""

import json
import sys

import pytest

import rlbench
from rlbench import cli

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")

MANIFEST = 'name = "mine"\nversion = "1"\nauthors = ["me"]\ntasks = ["cart-pole@1"]\nentry = "agent:load"\n'
GOOD = """
class A:
    def act(self, o, first):
        return (o[:, 2] > 0).astype(int)

def load(*_):
    return A()
"""


def written(folder, code):
    (folder / "submission.toml").write_text(MANIFEST, encoding="utf-8")
    (folder / "agent.py").write_text(code, encoding="utf-8")
    return folder


def test_rows_are_those_of_the_command(tmp_path, capsys):
    folder = written(tmp_path, GOOD.replace("o[:, 2] > 0", "o > 0"))
    (row,) = rlbench.check(folder, quiet=True).to_dict("records")
    assert cli.main(["check", str(folder), "--json"]) == 1
    (printed,) = json.loads(capsys.readouterr().out)
    assert (row["task"], row["result"], row["fault"]) == ("cart-pole@1", "wrong", printed["fault"])
    assert list(row) == list(printed)


def test_a_good_one_is_ok_and_nothing_is_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    found = rlbench.check(written(tmp_path / "mine", GOOD), "cart-pole")
    assert found[["task", "result"]].values.tolist() == [["cart-pole@1", "ok"]]
    assert found["calls"].tolist() == [20]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("nobody",), "no submission at nobody"),
        (("random", "cart-poll"), "unknown task 'cart-poll'"),
        (("random", 3), "3 is no task"),
        ((3,), "3 is no submission"),
    ],
)
def test_a_mistake_is_one_line(given, message):
    with pytest.raises(rlbench.UserError, match=message):
        rlbench.check(*given)
