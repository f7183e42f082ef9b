"""The examples of docs/python.md, one after the other as a reader types them, in an empty folder."""

import sys

import pytest

from tests.docs import examples
from tests.docs.pages import blocks

PAGE = "docs/python.md"


@pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
def test_the_examples_give_what_their_comments_say(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="pip install 'rlbench[baselines]'")
    pytest.importorskip("imageio_ffmpeg", reason="pip install 'rlbench[play]'")
    monkeypatch.chdir(tmp_path)
    names = examples.run("\n".join(blocks(PAGE, "python")))
    names["env"].close()
    assert {"mine", "mine.md", "upright.mp4", "runs"} <= {path.name for path in tmp_path.iterdir()}
