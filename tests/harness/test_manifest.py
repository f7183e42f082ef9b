"""submission.toml: one schema, whose reader reads what its writer writes."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlbench.errors import UserError
from rlbench.harness import manifest, submission
from rlbench.harness.results.schema import definitions, violation

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", fullmatch=True)
WORDS = st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable())
OWNERS = st.text("abc äß中-.|<", min_size=1, max_size=200).map(str.strip).filter(bool)
COUNTS = st.integers(0, 2**63 - 1) | st.none()
MANIFESTS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "version": NAMES,
        "authors": st.lists(OWNERS, min_size=1, max_size=3),
        "owner": st.none() | OWNERS,
        "contact": st.none() | WORDS.filter(lambda text: len(text) <= 200),
        "tasks": st.lists(WORDS, max_size=3),
        "entry": st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*:[A-Za-z_][A-Za-z0-9_]*", fullmatch=True),
        "training_seed": COUNTS,
        "training_steps": COUNTS,
        "training_device": st.none() | WORDS.filter(lambda text: len(text) <= 200),
        "training_precision": st.none() | st.sampled_from(manifest.PRECISIONS),
        "device": st.sampled_from(["cpu", "cuda"]),
    }
)
LEAST = {"name": "a", "version": "1", "authors": ["b"], "tasks": ["*"], "entry": "agent:load"}
HEADER = json.loads(
    next(Path("results").glob("cart-pole@1/random@*.jsonl")).read_text(encoding="utf-8").partition("\n")[0]
)


@given(fields=MANIFESTS, mark=st.booleans())
def test_what_is_written_is_read_again(fields, mark, tmp_path_factory):
    path = tmp_path_factory.mktemp("m") / "submission.toml"
    path.write_bytes((b"\xef\xbb\xbf" if mark else b"") + manifest.manifest_text(fields).encode())
    assert manifest.read_manifest(path) == fields | {name: tuple(fields[name]) for name in ("authors", "tasks")}


@given(name=st.sampled_from(sorted(LEAST)), value=st.text() | st.integers() | st.lists(st.text()) | st.floats())
def test_the_writer_refuses_what_the_reader_would(name, value, tmp_path_factory):
    try:
        text = manifest.manifest_text(LEAST | {name: value})
    except UserError:
        return
    path = tmp_path_factory.mktemp("m") / "submission.toml"
    path.write_bytes(text.encode())
    manifest.read_manifest(path)


@pytest.mark.parametrize("name", ["my agent", "", "lab/q", "x" * 65, "../../x", ".hidden", "ä", "a\n", None, 3])
def test_names_that_are_none(name):
    with pytest.raises(UserError, match=r"agent = .* is not valid; write, for example, my-agent") as error:
        manifest.check_name(name, "agent")
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="name"):
        manifest.manifest_text(LEAST | {"name": name})


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_another_encoding_is_named(submit, encoding):
    path = submit("pass", authors=["Zoë"])
    text = (path / "submission.toml").read_text(encoding="utf-8").replace("Zo\\u00eb", "Zoë")
    (path / "submission.toml").write_bytes(text.encode(encoding))
    with pytest.raises(UserError, match=r"submission.toml (cannot be read as TOML|is not text in UTF-8)"):
        submission.read(path)


def test_a_byte_order_mark_is_no_part_of_the_text(submit):
    path = submit("pass")
    for name in ("submission.toml", "agent.py"):
        (path / name).write_bytes(b"\xef\xbb\xbf" + (path / name).read_bytes())
    assert submission.read(path).name == "probe"


def test_a_submission_trained_on_no_task_can_be_read(submit):
    assert submission.read(submit("pass", tasks=[])).tasks == ()


@pytest.mark.parametrize("name", ["x" * 5_000, os.fsdecode(b"\xff"), "a\nb", ""])
def test_folders_that_cannot_be(name, tmp_path):
    with pytest.raises(UserError, match=r"no submission at|no submission.toml"):
        submission.read(tmp_path / name)


UNSEEN = [
    " a",
    "a ",
    "a\u200b",
    "a\u00a0b",
    "a\u3164",
    "\u2800",
    "a\ufe0f",
    "a\u00ad",
    "a\u202eb",
    "a\U000e0061",
    "\ufeffa",
    "a\n",
]


@pytest.mark.parametrize("owner", UNSEEN, ids=ascii)
def test_an_owner_that_looks_like_another_is_refused(owner):
    with pytest.raises(UserError, match=r"owner = .* is not valid"):
        manifest.manifest_text(LEAST | {"owner": owner})
    assert violation({"kind": "header", **HEADER, "owner": owner}) == f"owner is {owner!r}"
    assert violation({"kind": "header", **HEADER, "owner": "Ada Ⅱ. de l'Île, 李"}) is None


def test_authors_are_the_owner_by_default_without_spaces_at_the_ends():
    assert manifest.default_owner(["Ada ", " Bob"]) == "Ada, Bob"
    assert manifest.default_owner(["a" * 199, "b"]) == "a" * 199 + ","
    with pytest.raises(UserError, match=r"authors = .* is not valid"):
        manifest.manifest_text(LEAST | {"authors": ["Ada\u3164"]})


def test_the_schema_of_records_has_the_same_pattern_of_an_owner():
    assert definitions()["header"]["properties"]["owner"]["pattern"] == manifest.OWNER
