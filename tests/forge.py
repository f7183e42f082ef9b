"""Records changed by somebody with an editor, who makes the chain of their lines whole again."""

import hashlib
import itertools
import json


def read(path):
    """The lines of a record, as objects."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def chained(lines):
    """The lines, each with the digest of the one before."""
    for before, line in itertools.pairwise(lines):
        line["previous"] = hashlib.sha256(json.dumps(before).encode()).hexdigest()[:16]
    return lines


def write(path, lines):
    """Write objects as the lines of a record, chained; its path."""
    path.write_text("".join(json.dumps(line) + "\n" for line in chained(lines)), encoding="utf-8")
    return path
