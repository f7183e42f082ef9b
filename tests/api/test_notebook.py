"""A notebook that is really executed: frames, films and bars below the cells, and warnings as errors."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

nbformat = pytest.importorskip("nbformat", reason="pip install 'rlbench[test]'")
nbclient = pytest.importorskip("nbclient", reason="pip install 'rlbench[test]'")
pytest.importorskip("ipykernel", reason="pip install 'rlbench[test]'")

CELLS = {
    "strict": "import warnings; warnings.simplefilter('error')",
    "render": """
import gymnasium, rlbench
env = gymnasium.make("rlbench/GridWorld-v0", render_mode="rgb_array")
env.reset(seed=0)
env.render()
""",
    "bar": """
import time
from rlbench.progress import progress
with progress("a <title>") as show:
    for i in range(4):
        show(i / 4, 100 * i, "steps", "loss 0.1")
        time.sleep(0.25)
        print(i)
""",
    "evaluate": "rlbench.evaluate('random', 'grid-world', results='results')",
    "watch": "rlbench.watch('random', 'cart-pole', max_frames=10)",
    "mistake": """
try:
    rlbench.evaluate('nobody', 'cart-pole')
except rlbench.UserError as error:
    print(error)
""",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Outputs of the cells by name, and every picture of the bar."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS.values()])
    client = Watcher(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}})
    client.execute()
    return dict(zip(CELLS, (cell.outputs for cell in notebook.cells), strict=True)), client.updates


class Watcher(nbclient.NotebookClient):
    """Keeps what displays show one after the other."""

    updates = ()

    def process_message(self, message, cell, cell_index):
        if message["msg_type"] == "update_display_data":
            self.updates = (*self.updates, message["content"]["data"])
        return super().process_message(message, cell, cell_index)


def test_a_frame_is_a_picture(outputs):
    import gymnasium

    (shown,) = outputs[0]["render"]
    env = gymnasium.make("rlbench/GridWorld-v0", render_mode="rgb_array")
    env.reset(seed=0)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(from_base64(shown.data["image/png"])))), env.render())
    env.close()


def test_a_bar_is_drawn_and_goes(outputs):
    cells, updates = outputs
    bars = [each for each in updates if "a <title>" in each["text/plain"]]
    assert len(bars) == 4
    assert "a &lt;title&gt; <progress" in bars[-1]["text/html"]
    assert "75 %  00:00 left" in bars[-1]["text/html"]
    assert "loss 0.1" in bars[-1]["text/html"]
    bar, *printed = cells["bar"]
    assert bar.data["text/html"] == ""
    assert "".join(each.text for each in printed) == "0\n1\n2\n3\n"


@pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
def test_a_run_is_a_table_and_its_bar_goes(outputs):
    bar, run = outputs[0]["evaluate"]
    assert bar.data["text/html"] == ""
    assert "random on grid-world@1: mean return" in run.data["text/html"]


@pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
def test_a_film_is_in_the_page(outputs):
    pytest.importorskip("imageio_ffmpeg", reason="pip install 'rlbench[play]'")
    film = outputs[0]["watch"][-1]
    start = film.data["text/html"].partition("data:video/mp4;base64,")[2][:64]
    assert b"ftyp" in from_base64(start)


def test_a_mistake_is_one_line(outputs):
    (said,) = outputs[0]["mistake"]
    assert said.text.startswith("no submission at nobody")
    assert said.text.count("\n") == 1


def from_base64(text):
    import base64

    return base64.b64decode(text)
