"""The schema of records: every field of a line is checked, and as a library for JSON Schema would."""

import copy
import json
import random
from pathlib import Path

import pytest

from rlbench import cli
from rlbench.harness.isolation.agent import STATUSES
from rlbench.harness.isolation.tiers import TIERS
from rlbench.harness.results import schema
from tests import forge
from tests.forgeries.conftest import write_run

VALUES = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, 0.5, 1500000000.5, 1e308, "", "a", "a\nb", "a" * 10_000, "ä"),
    *("0" * 16, "0" * 64, "0" * 12, "F" * 64, "cart-pole@1", "ok", "process", [], {}, {"a": None}),
    *({"a": 1}, {"a": []}, [1]),
)


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """A line of each kind."""
    header, *others = forge.read(write_run(tmp_path_factory.mktemp("results"), "agent", 0, 100))
    lacking = {"kind": "lacking", "episodes": 3, "reason": "no program", "previous": "0" * 16}
    return [
        header,
        *(next(line for line in others if line["kind"] == k) for k in ("episode", "block", "footer")),
        lacking,
    ]


def changed(lines):
    """Every line with each field missing, in turn of every value, and with a field more."""
    for line in lines:
        yield line
        yield {**line, "more": 1}
        for name in line:
            yield {key: value for key, value in line.items() if key != name}
            for value in VALUES:
                yield {**line, name: value}


def test_what_is_written_is_valid_and_each_field_is_needed(lines):
    for line in lines:
        assert schema.violation(line) is None
        assert schema.violation({**line, "more": 1}) == "unknown field 'more'"
        for name in line.keys() - {"kind"}:
            less = {key: value for key, value in line.items() if key != name}
            assert schema.violation(less) == f"no {name}"


def test_the_check_says_what_a_library_says(lines):
    """But for whole numbers written with a fraction, such as 1.0, which JSON Schema takes for integers."""
    jsonschema = pytest.importorskip("jsonschema")
    library = jsonschema.Draft202012Validator(json.loads(schema.text()))
    cases = list(changed(lines))
    assert len(cases) > 1_000
    for line in random.Random(0).sample(cases, 400):
        assert library.is_valid(line) == (schema.violation(line) is None), line


def test_the_schema_is_one_of_json_schema():
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.text()))


def test_numbers_that_json_does_not_have_are_refused(lines):
    episode = copy.deepcopy(lines[1])
    for value in (float("nan"), float("inf"), -float("inf"), 10**400, 1e10):
        assert schema.violation({**episode, "return": value}).startswith("return is ")


def test_a_newline_at_the_end_is_no_part_of_a_pattern(lines):
    """Python's `$` would take it; the one of JSON Schema does not."""
    assert schema.violation({**lines[0], "digest": "0" * 64 + "\n"}).startswith("digest is ")
    assert schema.violation({**lines[1], "previous": "0" * 16 + "\n"}).startswith("previous is ")


def test_a_keyword_without_a_check_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="no check for items"):
        schema.compiled({"type": "array", "items": {}})


def test_it_names_every_tier_and_status():
    header, episode = (schema.definitions()[kind]["properties"] for kind in ("header", "episode"))
    assert header["isolation"]["enum"] == list(TIERS)
    assert episode["status"]["enum"] == list(STATUSES)


def test_the_command_prints_it(capsys):
    assert cli.main(["list", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["oneOf"]


def test_committed_records_are_valid():
    """All lines of one record of every task."""
    from rlbench.harness.results import record

    for folder in sorted((Path(__file__).parents[3] / "results").glob("*@*")):
        assert record.read(sorted(folder.glob("*.jsonl"))[0]) is not None
