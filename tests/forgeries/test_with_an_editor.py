"""Records that somebody has forged with an editor, chain and all: each is left out with its reason, and nothing else.

What passes is an invented record in which everything fits: it counts as what it is, the word of its owner.
"""

import hashlib
import json
import os
import re
import shutil

import pytest

from rlbench import cli
from rlbench.commands.shared.runs import load_runs
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import SUITES, TASKS
from tests import forge
from tests.forgeries.conftest import CART_POLE, write_run

HONEST = {"honest": 3, "rival": 2}


def episode(index, **changes):
    """A change of one episode's line."""

    def change(lines):
        next(line for line in lines if line.get("index") == index).update(changes)
        return lines

    return change


def all_episodes(**changes):
    """A change of every episode's line."""
    return lambda lines: [{**line, **changes} if line["kind"] == "episode" else line for line in lines]


def in_header(**changes):
    """A change of the header."""
    return lambda lines: [{**lines[0], **changes}, *lines[1:]]


def without(*names):
    return lambda lines: [{k: v for k, v in lines[0].items() if k not in names}, *lines[1:]]


def swapped(lines):
    """Two episodes in each other's place."""
    lines[1], lines[2] = lines[2], lines[1]
    return lines


def blocks_swapped(lines):
    return [lines[0], *lines[52:103], *lines[1:52], lines[-1]]


def one_block_called_all(lines):
    footer = {**lines[-1], "blocks": 1, "episodes": 50}
    return [*lines[:52], footer]


def one_large_block(lines):
    """All episodes in one block."""
    footer = {**lines[-1], "blocks": 1, "episodes": 100}
    return [*lines[:51], *lines[52:102], {**lines[51]}, footer]


def three_blocks(lines):
    more = [{**line, "index": line["index"] + 50} for line in lines[52:102]]
    footer = {**lines[-1], "blocks": 3, "episodes": 150}
    return [*lines[:-1], *more, {**lines[102], "block": 2}, footer]


FORGED = {
    "a return of a million": (all_episodes(**{"return": 1e6, "discounted_return": 1e6}), "outside of [0, 500]"),
    "a return as text": (episode(3, **{"return": "499"}), "return is '499'"),
    "a return as a flag": (episode(3, **{"return": True}), "return is 'True'"),
    "a return of 1e308": (episode(3, **{"return": 1e308}), "return is '1e+308'"),
    "a return of infinity": (episode(3, **{"return": float("inf")}), "damaged"),
    "no return": (lambda lines: [{k: v for k, v in line.items() if k != "return"} for line in lines], "no return"),
    "another discounted return": (episode(3, discounted_return=400.0), "discounted return 400 without a discount"),
    "a longer episode": (episode(3, length=501), "the time limit is 500"),
    "a negative length": (episode(3, length=-1), "length is '-1'"),
    "an episode of no step": (episode(3, length=0), "it ended without a step"),
    "an episode that did not end": (episode(3, terminated=False, truncated=False), "neither terminated nor truncated"),
    "another status": (episode(3, status="won"), "status is 'won'"),
    "a failure with a return": (episode(3, status="crash", terminated=False), "return is 100 for crash, not 8"),
    "a failure that ended": (
        episode(3, status="crash", **{"return": 8.0, "discounted_return": 8.0}),
        "it ended, and its status is crash",
    ),
    "a field `task`": (all_episodes(task="pong@1"), "unknown field 'task'"),
    "a field in the header": (in_header(rank=1), "unknown field 'rank'"),
    "no owner": (without("owner"), "no owner"),
    "an empty owner": (in_header(owner=""), "owner is ''"),
    "an owner of two lines": (in_header(owner="a\nb"), "owner is"),
    "an owner with a space at its end": (in_header(owner="rlbench "), "owner is 'rlbench '"),
    "an owner with a separator of lines": (in_header(owner="a\u2028b"), "owner is"),
    "an owner that turns the text round": (in_header(owner="a\u202eb"), "owner is"),
    "no contents": (without("contents"), "no contents"),
    "another seed": (episode(3, seed=7), "its seed is 7, not"),
    "one seed for all": (all_episodes(seed=2**30), "its seed is 1073741824, not"),
    "a reset option": (episode(3, extra={"theta": 0.0}), "unknown 'theta' in extra"),
    "another task hash": (in_header(task_hash="0" * 64), "on another cart-pole@1 than this rlbench has"),
    "another task": (in_header(task="pong@1"), "it holds pong@1/"),
    "no such task": (in_header(task="solitaire@1"), "it holds solitaire@1/"),
    "another digest": (in_header(digest="0" * 64), "it holds cart-pole@1/honest@000000000000.jsonl"),
    "another agent": (in_header(agent="rival"), "it holds cart-pole@1/rival@"),
    "a digest that is none": (in_header(digest="0" * 63), "digest is '"),
    "no isolation": (in_header(isolation="process"), "played with isolation=process"),
    "an isolation that is none": (in_header(isolation="bunker"), "isolation is 'bunker'"),
    "a training seed of 2**64": (in_header(training_seed=2**64), "training_seed is '18446744073709551616'"),
    "a negative training seed": (in_header(training_seed=-1), "training_seed is '-1'"),
    "training steps as text": (in_header(training_steps="1"), "training_steps is '1'"),
    "schema 1": (
        in_header(schema=1, packages={"rlbench": "0.1.0"}),
        "has schema 1 of rlbench 0.1.0, this rlbench reads and writes 2; move it away, and evaluate again",
    ),
    "a schema of no version": (in_header(schema=1, packages="0.1.0"), "has schema 1, this rlbench reads and writes 2"),
    "schema 3": (in_header(schema=3), "has schema 3"),
    "a list for a header": (lambda lines: [[], *lines[1:]], "does not begin with a header"),
    "episodes in another order": (swapped, "damaged"),
    "blocks in another order": (blocks_swapped, "damaged"),
    "one block called complete": (one_block_called_all, "complete after 1 of 2 blocks"),
    "one large block": (one_large_block, "complete after 1 of 2 blocks"),
    "a block more": (three_blocks, "it has 3 blocks"),
    "no footer": (lambda lines: lines[:-1], "incomplete: 100 of 100"),
    "two footers": (lambda lines: [*lines, lines[-1]], "damaged"),
    "a footer of more": (lambda lines: [*lines[:-1], {**lines[-1], "episodes": 500}], "damaged"),
    "an attempt that is none": (
        lambda lines: [{**line, "attempt": 0} if line["kind"] == "block" else line for line in lines],
        "attempt is '0'",
    ),
}


@pytest.mark.parametrize(("change", "why"), FORGED.values(), ids=FORGED)
def test_a_forged_record_is_left_out_with_its_reason(change, why, forged, board):
    lines = change(forge.read(forged))
    try:
        forge.write(forged, lines)
    except TypeError:  # a list has no previous
        forged.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    rows, unranked = board()
    assert {agent: row.training_seeds for agent, row in rows.items()} == {"honest": 2, "rival": 2}
    ((agent, reason),) = unranked
    assert agent in ("honest", forged.name)
    assert why in reason
    assert "\n" not in reason
    assert str(forged.parents[1]) not in reason


def test_a_ghost_without_a_submission_ranks_as_the_word_of_its_owner(results, board):
    """In it everything fits, so that nothing but playing the submission could tell."""
    for seed in range(3):
        write_run(results, "ghost", seed, 500)
    rows, unranked = board()
    assert unranked == []
    assert rows["ghost"].mean_return == 500


def test_one_run_under_seven_more_training_seeds_is_one_run(forged, board):
    lines = forge.read(forged)
    for seed in range(10, 17):
        digest = hashlib.sha256(b"%d" % seed).hexdigest()
        forge.write(
            forged.with_name(f"honest@{digest[:12]}.jsonl"),
            in_header(training_seed=seed, digest=digest)(lines),
        )
    rows, unranked = board()
    assert {agent: row.training_seeds for agent, row in rows.items()} == HONEST
    assert len(unranked) == 7
    assert all(f"the same contents as cart-pole@1/{forged.name}, which count once" in reason for _, reason in unranked)


def test_a_copy_under_another_name_is_one_run(forged, board):
    shutil.copy(forged, forged.with_name("honest@000000000000.jsonl"))
    rows, ((agent, reason),) = board()
    assert {agent: row.training_seeds for agent, row in rows.items()} == HONEST
    assert agent == "honest@000000000000.jsonl"
    assert f"it holds cart-pole@1/{forged.name}" in reason


def test_another_run_of_a_training_seed_takes_both_out(forged, board):
    """A choice between the two would be one of the better."""
    lines = [
        {**line, "return": 500.0, "discounted_return": 500.0} if "return" in line else line
        for line in forge.read(forged)
    ]
    digest = "0" * 64
    forge.write(forged.with_name(f"honest@{digest[:12]}.jsonl"), in_header(digest=digest, contents=digest)(lines))
    rows, unranked = board()
    assert {agent: row.training_seeds for agent, row in rows.items()} == {"honest": 2, "rival": 2}
    assert [agent for agent, _ in unranked] == ["honest", "honest"]
    assert all("has training seed 0, too, so that neither counts" in reason for _, reason in unranked)


def test_somebody_elses_run_in_a_rivals_row_is_a_row_of_its_own(results, board):
    write_run(results, "rival", 2, 9, owner="Eve")
    rows, unranked = board()
    assert unranked == []
    assert (rows["rival of Eve"].training_seeds, rows["rival"].mean_return) == (1, 205)


def test_lines_of_two_runs_mixed(results, forged, board):
    other = next(path for path in record.find(results) if path.name.startswith("rival@"))
    mine, theirs = forge.read(forged), forge.read(other)
    forged.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in (*mine[:52], *theirs[52:])))
    _, ((_, reason),) = board()
    assert "line 53: damaged before the last block (the line before it was changed)" in reason


FILES = {
    "a pipe": (os.mkfifo, "it is a pipe, not a file"),
    "a link to /dev/zero": (lambda path: path.symlink_to("/dev/zero"), "it is a link, not a file"),
    "a link to nothing": (lambda path: path.symlink_to("nothing"), "it is a link, not a file"),
    "a link to itself": (lambda path: path.symlink_to(path), "it is a link, not a file"),
    "a folder": (lambda path: path.mkdir(), "it is a folder, not a file"),
    "junk": (lambda path: path.write_bytes(os.urandom(1000)), "does not begin with a header"),
    "nothing but newlines": (lambda path: path.write_bytes(b"\n" * 1000), "does not begin with a header"),
    "lists a thousand deep": (lambda path: path.write_bytes(b"[" * 10_000 + b"\n"), "does not begin with a header"),
    "a header alone, without fields": (lambda path: path.write_bytes(b'{"kind": "header", "schema": 2}\n'), "no task"),
}


@pytest.mark.parametrize("name", ["ghost@000000000000.jsonl", "honest@000000000000.verify.jsonl"])
@pytest.mark.parametrize(("make", "why"), FILES.values(), ids=FILES)
def test_a_bad_file_excludes_itself(make, why, name, results, board):
    path = results / CART_POLE.key / name
    make(path)
    rows, unranked = board()
    assert {agent: row.training_seeds for agent, row in rows.items()} == HONEST
    if name.endswith("verify.jsonl") and path.is_file() and not path.is_symlink():
        assert unranked == []  # what verify wrote is nobody's record
    else:
        assert [(agent, why in reason) for agent, reason in unranked] == [(name, True)]


def test_a_link_named_like_a_verification_file_keeps_its_target(results, forged, capsys):
    target = results.parent / "precious"
    target.write_text("precious", encoding="utf-8")
    forged.with_suffix(".verify.jsonl").symlink_to(target)
    assert cli.main(["verify", str(forged), "--submission", "random"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert target.read_text(encoding="utf-8") == "precious"


def test_an_unknown_task_is_told(results, board):
    solitaire = TASKS["cart-pole@1"].__class__("solitaire", 1, "none", episodes=2, num_envs=2)
    write_run(results, "ghost", 0, 3, task=solitaire)
    rows, unranked = board()
    assert {agent: row.training_seeds for agent, row in rows.items()} == HONEST
    missing = "no definition of solitaire@1 is known here: put its file on RLBENCH_PATH, or install its package"
    assert unranked == [("ghost", missing)]


def test_the_worst_seed_deleted_takes_the_rank_with_it(results, board, forged):
    """Two seeds have no rank; with more it would be unnoticed, as the page can only count the seeds that there are."""
    assert board()[0]["honest"].rank is not None
    forged.unlink()
    rows, unranked = board()
    assert (rows["honest"].training_seeds, rows["honest"].rank, unranked) == (2, None, [])


CLAIMS = {
    "training steps": {"training_steps": 1},
    "another tier": {"isolation": "strict"},
    "another machine": {"cpu": "another", "gpu": "another", "commit": "0" * 40},
    "other packages": {"packages": {"rlbench": "9.9.9"}},
    "another arithmetic": {"arithmetic": {"name": "native"}},
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_what_nobody_can_prove_is_the_word_of_its_owner(claim, forged, results):
    forge.write(forged, in_header(**claim)(forge.read(forged)))
    ranked = compute_rankings(load_runs(results), TASKS, SUITES)
    assert ranked.unranked == ()
    assert ranked.states == {"self-reported": 5}


def test_findings_written_by_hand_prove_nothing(forged, results):
    run = record.read(forged)
    head = {"kind": "verification", "schema": 3, "record": hashlib.sha256(forged.read_bytes()).hexdigest()}
    head |= {name: run.header[name] for name in ("task_hash", "digest", "player")} | {"played": True, "seal": "0" * 64}
    blocks = [
        {
            "kind": "block",
            "block": i,
            "episodes": 50,
            "returns": [100.0] * 50,
            "different": {},
            "unsound": {},
            "seal": "0",
        }
        for i in range(2)
    ]
    text = "".join(json.dumps(line) + "\n" for line in (head, *(each | {"seal": "0"} for each in blocks)))
    forged.with_suffix(record.VERIFICATION).write_text(text, encoding="utf-8")
    assert compute_rankings(load_runs(results), TASKS, SUITES).states == {"self-reported": 5}


def test_an_owner_breaks_no_table(results, tmp_path):
    """Whatever stands in it: the rows of the page keep their columns, and no markup of it is shown as such."""
    write_run(results, "rival", 2, 9, owner="Eve | <b>`x`[y](z)|")
    page = tmp_path / "page.md"
    assert cli.main(["leaderboard", "--results", str(results), "--output", str(page), "--quiet"]) == 0
    text = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.md"))
    rows = [line for line in text.splitlines() if "Eve" in line and line.startswith("|")]
    assert rows
    rules = {line.count("|") for line in text.splitlines() if re.fullmatch(r"[|: -]+", line)}
    assert {re.sub(r"\\.", "", row).count("|") for row in rows} <= rules
    assert "<b>" not in re.sub(r"\\.", "", "".join(rows))
