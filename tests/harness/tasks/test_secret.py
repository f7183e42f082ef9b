"""Seeds that are drawn from a grader's secret."""

import dataclasses
import hashlib
import hmac
import json

import pytest

from rlbench import cli
from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.evaluate import evaluate
from rlbench.harness.results import record
from rlbench.harness.tasks import secret
from rlbench.harness.tasks.suite import get_task

KEY = bytes(range(32))
TASK = dataclasses.replace(get_task("cart-pole"), secret=KEY)


def test_seeds_are_those_of_hmac_and_each_is_another():
    def by_hand(number):
        inner = hashlib.sha256(
            bytes(b ^ 0x36 for b in KEY.ljust(64, b"\0")) + f"cart-pole@1 {number}".encode()
        ).digest()
        outer = hashlib.sha256(bytes(b ^ 0x5C for b in KEY.ljust(64, b"\0")) + inner).digest()  # RFC 2104
        return 2**30 + (int.from_bytes(outer[:4], "big") >> 2)

    seeds = [TASK.episode(i)[0] for i in range(TASK.episodes)]
    assert seeds == [by_hand(i) for i in range(100)]
    many = secret.seeds(KEY, "glimpse-mnist@1", 100_000)  # of so many that are drawn, some are equal
    assert len(set(many)) == 100_000
    assert min(many) >= 2**30
    assert max(many) < 2**31
    drawn = [
        int.from_bytes(hmac.digest(KEY, f"glimpse-mnist@1 {i}".encode(), "sha256")[:4], "big") for i in range(100_010)
    ]
    assert list(dict.fromkeys(2**30 + (each >> 2) for each in drawn))[:100_000] == list(many)


def test_another_secret_gives_other_episodes_of_the_same_task():
    other = dataclasses.replace(TASK, secret=KEY[::-1])
    assert TASK.hash == other.hash == get_task("cart-pole").hash
    assert not {TASK.episode(i)[0] for i in range(100)} & {other.episode(i)[0] for i in range(100)}
    assert str(KEY) not in repr(TASK)


def test_a_record_holds_the_hash_from_its_first_line_on(tmp_path):
    path = evaluate(TASK, "random", tmp_path, quiet=True)
    run = record.read(path)
    assert run.header["secret"] == hashlib.sha256(KEY).hexdigest()
    assert [line["seed"] for line in run.episodes] == [TASK.episode(i)[0] for i in range(100)]
    with pytest.raises(UserError, match=r"was made with secret .*, now it is None"):
        record.is_complete(path, get_task("cart-pole"), submission.read("random"))


def test_the_command(tmp_path, capsys):
    file = tmp_path / "secret"
    options = ["--task", "cart-pole", "--results", str(tmp_path / "results"), "--quiet", "--json"]
    file.write_bytes(KEY[:15])
    assert cli.main(["evaluate", "random", *options, "--secret", str(file)]) == 2
    assert "has 15 bytes, a secret has 16 or more" in capsys.readouterr().err
    assert cli.main(["evaluate", "random", *options, "--secret", str(tmp_path / "none")]) == 2
    assert "cannot read the secret" in capsys.readouterr().err
    file.write_bytes(KEY)
    assert cli.main(["evaluate", "random", *options, "--secret", str(file)]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    (path,) = record.find(tmp_path / "results")
    assert record.read(path).header["secret"] == secret.secret_hash(KEY)
    assert row["episodes"] == 100
    assert cli.main(["evaluate", "random", *options]) == 2
    assert "was made with secret" in capsys.readouterr().err
