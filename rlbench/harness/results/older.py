"""Records of schema 1, made before the sandbox: read like the others, and never written.

Everything about them is here, so that it can be deleted once every record is of the present schema.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlbench.harness.results import schema
from rlbench.harness.results.jsonl import line_digest
from rlbench.harness.tasks.suite import TASKS

SCHEMA = 1

HASHES = {
    "grid-world@1": "d389a7ef25eb372b2a30bcec1330963a58d5e18eb4f9f4f43c33b6005f56e7cf",
    "cart-pole@1": "baa5a30109e46034fa614edb1eb738e1427a3ee84b19caffe5587877184d9926",
    "breakout@1": "fca3a1665c16b9be99409333a2c3197f21a11ea120ecce1bc78f4eddcf000b3e",
    "pong@1": "691ab389badde21b758ae651f765329cf04659815cdea73c2dc99b292fc5c509",
    "space-invaders@1": "3e88a0f6cebf8725819b5e7624061a9f6b6d8e51cb7db66134f83e8a627d6912",
    "seaquest@1": "432c82d2ce0b00a36617e4a28f81d6c9b4a404a9780015283197c74a2d23be67",
    "beam-rider@1": "964ac7995882bd5e582ae86d939706dea4d74caa8b6af7ffe5c3f4508eec61d7",
    "enduro@1": "5ef0785eb978ad3ef18166a6071711ddf2814e30e98db8468b806d050e5c61cc",
    "qbert@1": "2df97cbae50e5ca6469cce5fb129e37452c413b7862db9a030f3c15be2b1171c",
    "battle-zone@1": "95dd5914abb9ec2d9915ddfd7200e13422f91c97d4b3bfef7c7efe766e88dee4",
    "double-dunk@1": "5f9019f6fcec76f40861ce5355df1fea84269794facd52c6c954beded7640db0",
    "name-this-game@1": "8dbee77561efd9cf5f6e8733ee57ccf633e5af389f7be2463a7b73af92670329",
    "phoenix@1": "d8a08c0ddfa90a59812f77750293fcbd01104fc3f39b446de6d7da6c8572e1ce",
    "half-cheetah@1": "d473a9ddd6c1695314aee4b12d253e24a2f1f12f2b999574ae3a6bf6bf26afac",
    "hopper@1": "c188b696588784e4d253cea7cb80178318f66888d40b3644ff9f2c1f76739db1",
    "walker2d@1": "91ad2f0926b311f6b67cee959e5b8cedb4e5a305c3dbaeb0b62d4d86646d430a",
    "ant@1": "b622ce3198c5798e0df21a7877c8a6f256e068fab7d09803bb7d3b1258c6d0a8",
    "humanoid@1": "cd47e441b1880e6c9022e472923546508bc28527b32c57f7097ebe34d0523df0",
    "half-cheetah-gymnasium@1": "f95bc3d09d7cba94d03e95c7dc1de1d9b35fa307e029d8a238441fef1562e463",
    "hopper-gymnasium@1": "7352665e2ccc285bdfce25775f639be19a176fbdf7fa2fa144b56b9bcef40d83",
    "walker2d-gymnasium@1": "360ffb092dcde91f545304bd1fd348c44d358a633f394aa6615611c38c51b3d9",
    "glimpse-mnist@1": "5a54a5b43f5913e8a99b5d557b08d0cea073ca038b77ebb85cb3fa800dea3c81",
    "glimpse-translated@1": "88bea3903a9b35624e273b47999b8ee75687483d01a030ce263d7dad0e1aadcf",
    "glimpse-cluttered60@1": "8ef47e6dbab4ff4cfcaa53a0c4c182aa74dd45c715c4a626f63b7c22627b8370",
    "glimpse-cluttered100@1": "ef7771462d518540ebde3f8603cbb37a2bd9692e230d25947030765993fa814f",
    "go5@1": "36a8d99c978685cde662bd67f468c9481df26561a57ae3d73cd26a800ece2a01",
    "go9@1": "e59c6bce0ba95f3957d2143dec9335fb7f21cc63408fa80fce5fdf8a8f02808f",
}
"""The hash that each task had when these records were made, of the same games under older words."""


FIELDS = {"contact": None, "secret": None, "player": None, "arithmetic": None, "dynamics": None, "sandbox": 1}
"""What the headers of then did not tell."""

YOUNGER = {"owner", "contact", "contents", "secret", "arithmetic"}
"""Fields that no header of then had."""

OWNER = "rlbench"
"""Whose they are: those that are published are of the reference agents."""


def present(digest: str) -> str:
    """The digest that a submission has now, data only, by the one that it has in a record: the same in younger ones."""
    return _converted().get(digest, digest)


def is_digest(start: str, digest: str) -> bool:
    """Whether a submission's digest begins so, or the one that it has in older records."""
    return any(each.startswith(start) for each in (digest, *(a for a, b in _converted().items() if b == digest)))


@functools.cache
def _converted() -> Mapping[str, str]:
    digests: dict[str, str] = json.loads(Path(__file__).with_name("older_digests.json").read_text(encoding="utf-8"))
    return digests


def is_older(header: Mapping[str, Any]) -> bool:
    """Whether a first line is the header of a record of schema 1."""
    return header.get("schema") == SCHEMA and not YOUNGER & header.keys()


def translated(parsed: Sequence[dict[str, Any]], lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """The lines of a record of then as they would be now.

    Args:
        parsed: The lines as objects, the header first.
        lines: The same lines as bytes.
    """
    header, *others = parsed
    now = {**FIELDS, "owner": OWNER, "contents": header.get("digest"), **header, "schema": schema.SCHEMA}
    task = TASKS.get(str(header.get("task")))
    if task and header.get("task_hash") == HASHES.get(task.key):
        now["task_hash"] = task.hash
    return [now, *({**line, "previous": line_digest(before)} for line, before in zip(others, lines, strict=False))]
