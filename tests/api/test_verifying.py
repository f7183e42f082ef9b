"""`rlbench.verify`: the verdicts of the command, a row per record."""

import json
import sys

import pytest

import rlbench
from rlbench import cli

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    rlbench.evaluate("random", "grid-world", results=folder, quiet=True)
    return folder


def test_the_row_is_that_of_the_command(results, capsys):
    found = rlbench.verify(results, blocks=1, quiet=True)
    assert cli.main(["verify", str(results), "--blocks", "1", "--json"]) == 0
    (printed,) = json.loads(capsys.readouterr().out)
    (row,) = found.astype(object).where(found.notna(), None).to_dict("records")
    assert row == printed
    assert (row["verdict"], row["blocks"], row["of"], row["different"]) == ("re-run", 1, 2, 0)


def test_a_secret_seed_needs_its_secret(tmp_path):
    secret = bytes(range(16))
    run = rlbench.evaluate("random", "grid-world", results=tmp_path, secret=secret, quiet=True)
    assert rlbench.verify(run.path, secret=secret, quiet=True)["verdict"].tolist() == ["verified"]
    with pytest.raises(rlbench.UserError, match="secret"):
        rlbench.verify(run.path, quiet=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"records": "no_such_folder"}, "no records in no_such_folder"),
        ({"records": "no_such.jsonl"}, "no record at no_such.jsonl"),
        ({"records": 3}, "3 is no record"),
        ({"blocks": 0}, "blocks is at least 1, got 0"),
        ({"blocks": 0.5}, "blocks is a whole number, got 0.5"),
        ({"jobs": "2"}, "jobs is a whole number, got '2'"),
        ({"submission": "nobody"}, "no submission at nobody"),
        ({"secret": b"short"}, "5 bytes"),
    ],
)
def test_a_mistake_is_one_line(given, message, results):
    with pytest.raises(rlbench.UserError, match=message) as raised:
        rlbench.verify(**{"records": results, "quiet": True, **given})
    assert "\n" not in str(raised.value)
