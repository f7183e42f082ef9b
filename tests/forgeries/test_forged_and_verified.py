"""Forged records, and what `verify` says of them with their submission and with kept actions alone: what differs.

What the page says of the same forgeries stands beside it: they are left out with a reason, or called what they are, the
word of their owner.
"""

import base64
import json
import zlib

import numpy as np
import pytest

from rlbench.api.verifying import VerifyHow, rows_of
from rlbench.commands.shared.runs import load_runs
from rlbench.errors import UserError
from rlbench.harness import verify
from rlbench.harness.play import actions_digest
from rlbench.harness.proof import findings, kept_actions
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.results import parts, record
from rlbench.harness.results.jsonl import MAX_LINES
from rlbench.harness.tasks.suite import SUITES, TASKS
from tests import forge
from tests.forgeries.conftest import CART_POLE
from tests.forgeries.test_with_an_editor import FORGED, all_episodes, episode, in_header

NOT_DIFFERENT = ("no isolation", "no footer")
"""What is no other episode: a tier in which nobody can see it was played, and a run that is not complete."""
SAMPLE = ("one large block", "a block more", "another task hash")


def second_block_is_the_first(lines):
    """The better block twice, with the indices and seeds of the second."""
    own = ("index", "seed")
    return [
        *lines[:52],
        *({**a, **{name: b[name] for name in own}} for a, b in zip(lines[1:51], lines[52:102], strict=True)),
        *lines[102:],
    ]


def best_of_each_pair(lines):
    """Each episode has the better result of its own and that of the next block."""
    made = list(lines)
    for i in range(1, 51):
        better = max((lines[i], lines[i + 51]), key=lambda line: line["return"])
        made[i] = {**better, **{name: lines[i][name] for name in ("index", "seed")}}
    return made


def an_episode_more(lines):
    more = {**lines[101], "index": 100, "seed": 2**30 + 100}
    return [*lines[:102], more, lines[102], {**lines[103], "episodes": 101}]


def an_episode_less(lines):
    return [*lines[:101], lines[102], {**lines[103], "episodes": 99}]


def the_worst_called_a_crash(lines):
    changed = {"status": "crash", "terminated": False, "truncated": False, "return": 8.0, "discounted_return": 8.0}
    return episode(60, **changed)(lines)


def longer_and_better(lines):
    return episode(7, length=499, **{"return": 499.0, "discounted_return": 499.0})(lines)


def one_by_one_better(lines):
    """A step more for each episode, under an arithmetic that nobody else has."""
    lines = in_header(arithmetic={"name": "native"})(lines)
    return [
        {**line, "length": line["length"] + 1, **dict.fromkeys(("return", "discounted_return"), line["return"] + 1)}
        if line["kind"] == "episode"
        else line
        for line in lines
    ]


OWN = {
    "the same block twice": (second_block_is_the_first, None, "episode 50: "),
    "the better of two episodes": (best_of_each_pair, None, "episode "),
    "one longer and better": (longer_and_better, None, "episode 7: return 499.0, now"),
    "an episode more": (an_episode_more, "episode 100 lies in block 1, not 2", "episode 100 lies in block 1, not 2"),
    "an episode less": (an_episode_less, "its 2 blocks hold 99 episodes", "its 2 blocks hold 99 episodes"),
    "a bad one called a crash": (the_worst_called_a_crash, None, "episode 60: "),
    "actions of another": (episode(3, actions="0" * 16), None, "episode 3: actions '0000000000000000', now"),
    "a training seed of others": (in_header(training_seed=3), None, "says training_seed 3, and its submission None"),
    "fewer training steps": (in_header(training_steps=1), None, "says training_steps 1, and its submission None"),
    "another owner": (in_header(owner="rlbench"), None, "says owner 'rlbench', and its submission 'a'"),
    "another contact": (in_header(contact="me@example.org"), None, "says contact 'me@example.org', and its submission"),
    "contents of its own": (in_header(contents="1" * 64), None, "says contents '1111"),
    "other dynamics": (in_header(dynamics="0" * 12), "played under other dynamics", "dynamics"),
    "a secret": (in_header(secret="0" * 64), None, "give it with --secret"),
    "a secret with one seed": (
        lambda lines: all_episodes(seed=2**30 + 5)(in_header(secret="0" * 64)(lines)),
        "its seed 1073741829 is that of episode 0",
        "give it with --secret",
    ),
    "a secret with seeds of training": (
        lambda lines: episode(0, seed=5)(in_header(secret="0" * 64)(lines)),
        "its seed 5 is none that a secret draws",
        "give it with --secret",
    ),
    "another version": (in_header(version="2"), None, "version"),
}
"""Change, what the page says, or None where it ranks the word of its owner; and what `verify` says."""


def said(path, folder=None):
    """Verdict of a verification, and all that it says."""
    try:
        (row,) = rows_of([path], VerifyHow(submission=folder, quiet=True))
    except UserError as error:
        return "refused", str(error)
    return row["verdict"], f"{row.get('first_difference') or ''}; {row.get('reason') or ''}"


def check_named(path, folder, words=""):
    """Neither way of verification believes a record, and each says why, on one line."""
    verdict, why = said(path, folder)
    assert verdict not in ("verified", "re-run"), why
    assert words in why
    assert len(why) > 2
    assert "\n" not in why


QUICK = ("one longer and better", "an episode more", "contents of its own", "a training seed of others", "a secret")
"""Of the forgeries those that are tried every time; most others play a hundred episodes again."""


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in OWN]
)
def test_a_forgery_is_named_by_verify_and_no_more_than_the_word_of_its_owner(name, played):
    (path, entrant), (change, page, words) = played, OWN[name]
    forge.write(path, change(forge.read(path)))
    ranked = compute_rankings(load_runs(path.parents[1]), TASKS, SUITES)
    if page is None:
        assert ranked.states == {"self-reported": 1}
    else:
        (row,) = ranked.unranked
        assert page in row.reason
    check_named(path, entrant.folder, words)
    assert compute_rankings(load_runs(path.parents[1]), TASKS, SUITES).states.keys() <= {"self-reported"}


@pytest.mark.parametrize(
    "name",
    [
        each if each in SAMPLE else pytest.param(each, marks=pytest.mark.slow)
        for each in FORGED
        if each not in NOT_DIFFERENT
    ],
)
def test_what_the_page_leaves_out_is_not_verified_either(name, played):
    path, entrant = played
    lines = FORGED[name][0](forge.read(path))
    if isinstance(lines[0], dict):
        forge.write(path, lines)
    else:
        path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    check_named(path, entrant.folder)


def test_another_arithmetic_excuses_nothing_more_than_chance_and_verifies_nothing(played):
    path, entrant = played
    forge.write(path, one_by_one_better(forge.read(path)))
    verdict, why = said(path, entrant.folder)
    assert verdict in ("re-run", "different")
    assert "other arithmetic: the mean return is -1.00 here" in why
    assert "episode 0: " in why


@pytest.fixture
def with_actions(played):
    """A record whose actions are kept."""
    path, entrant = played
    verify.verify(path, CART_POLE, entrant, quiet=True, keep=True)
    findings.path_of(path).unlink()
    return path


def kept_as(path, change):
    """Keep other actions beside a record, and their digests in it; what `change` makes of each episode's leaves."""
    blocks = [[change(leaves) for leaves in episodes] for episodes in kept_actions.read(path)]
    lines = forge.read(path)
    for line in lines:
        if line["kind"] == "episode":
            line["actions"] = actions_digest(blocks[line["index"] // 50][line["index"] % 50])
    forge.write(path, lines)
    kept_actions.path_of(path).unlink()
    with kept_actions.ActionsWriter(path, lines[0]) as writer:
        for number, episodes in enumerate(blocks):
            writer.append(number, episodes)
    return path


OF_NO_SPACE = {
    "two arrays": lambda leaves: [leaves[0], leaves[0]],
    "floats": lambda leaves: [leaves[0].astype(np.float64)],
    "vectors": lambda leaves: [np.stack([leaves[0]] * 3, axis=1)],
    "out of bounds": lambda leaves: [leaves[0] + 7],
    "none": lambda leaves: [],
    "infinities": lambda leaves: [np.full_like(leaves[0], np.inf, np.float32)],
}


@pytest.mark.parametrize(
    "change",
    [each if name == "vectors" else pytest.param(each, marks=pytest.mark.slow) for name, each in OF_NO_SPACE.items()],
    ids=OF_NO_SPACE,
)
def test_kept_actions_that_are_no_actions_are_named(change, with_actions, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path / "results")  # where no submission is found
    check_named(kept_as(with_actions, change), None, "episode 0: ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["the same block twice", "one longer and better", "an episode more", "other dynamics"])
def test_kept_actions_alone_name_what_differs(name, with_actions, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path / "results")
    forge.write(with_actions, OWN[name][0](forge.read(with_actions)))
    check_named(with_actions, None)


def test_a_failed_episode_has_what_its_task_says_by_kept_actions_too(with_actions, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path / "results")
    forge.write(with_actions, episode(60, status="crash", terminated=False)(forge.read(with_actions)))
    check_named(with_actions, None, "episode 60: return is ")


def bomb(path):
    """A block of many more zeros than the file has bytes, ten times."""
    first, block, *_ = forge.read(kept_actions.path_of(path))
    data = base64.b64encode(zlib.compress(bytes(8 << 17), 9)).decode()
    lines = [first, *[{**block, "lengths": [1 << 17], "data": data}] * 10]
    kept_actions.path_of(path).write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")


def many_arrays(path):
    lines = forge.read(kept_actions.path_of(path))
    line = {**lines[1], "lengths": [0] * (1 << 21), "data": "eJwDAAAAAAE="}
    kept_actions.path_of(path).write_text(
        "".join(json.dumps(each) + "\n" for each in (lines[0], line)), encoding="utf-8"
    )


@pytest.mark.parametrize("make", [bomb, many_arrays])
def test_kept_actions_that_would_take_all_memory_are_refused(make, with_actions, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path / "results")
    monkeypatch.setattr(kept_actions, "MAX_BYTES", 9 << 20)
    make(with_actions)
    check_named(with_actions, None, "is damaged; move it away")


@pytest.mark.parametrize("suffix", [".jsonl", ".actions", ".part-1-of-2.jsonl"])
def test_more_lines_than_any_file_has_are_refused_before_they_take_memory(suffix, played, monkeypatch):
    path, entrant = played
    place = path.with_name(path.stem + suffix)
    place.write_bytes(b"{}\n" * (MAX_LINES + 1))
    if suffix == ".part-1-of-2.jsonl":
        with pytest.raises(UserError, match="has more than 1,048,576 lines; move it away"):
            parts.read(place)
    else:
        check_named(path, entrant.folder, "has more than 1,048,576 lines; move it away")


def test_findings_of_another_record_prove_nothing(played):
    path, entrant = played
    verify.verify(path, CART_POLE, entrant, quiet=True)
    sealed = findings.path_of(path).read_bytes()
    forge.write(path, longer_and_better(forge.read(path)))
    assert findings.path_of(path).read_bytes() == sealed
    assert findings.read(path, record.read(path)).blocks == 0
    check_named(path, entrant.folder, "episode 7: ")
    (row,) = compute_rankings(load_runs(path.parents[1]), TASKS, SUITES).unranked
    assert "verify found other episodes on this machine" in row.reason
