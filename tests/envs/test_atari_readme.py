"""The page about Atari games says what the code does."""

from pathlib import Path

import rlbench
from rlbench.envs.atari.protocol import FIELDS, PRESETS

PAGE = (Path(rlbench.__file__).parent / "envs/atari/README.md").read_text(encoding="utf-8")


def test_the_table_of_protocols_is_the_presets():
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
    rows = rows[: len(FIELDS) + 2]
    assert rows[0][2:] == list(PRESETS)
    assert [row[0].strip("`") for row in rows[2:]] == list(FIELDS)
    for field, row in zip(FIELDS, rows[2:], strict=True):
        assert row[2:] == [str(getattr(preset, field)) for preset in PRESETS.values()]
