"""Charts look alike whatever matplotlib is told by the user's files and variables."""

import os
import subprocess
import sys

import matplotlib as mpl
import pytest

from rlbench.charts import literal, matplotlib_settings

DRAW = [sys.executable, "-m", "rlbench", "show", "GridWorld", "--policy", "random", "--quiet", "--output"]
RC = "text.usetex: True\nfont.family: NoSuchFont\nfigure.facecolor: red\nsavefig.dpi: 20\nbackend: nosuch\nno: key\n"


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    path = tmp_path_factory.mktemp("usual") / "usual.png"
    subprocess.run([*DRAW, path], check=True)
    return path.read_bytes()


@pytest.mark.parametrize(
    "variables",
    [
        {"MPLBACKEND": "module://no_such_inline"},
        {"MPLBACKEND": "misspelt", "MPLCONFIGDIR": "/proc/none"},
        {"MATPLOTLIBRC": "."},
    ],
    ids=["a notebook's back end", "no back end and no folder for caches", "a user's file"],
)
def test_surroundings_change_no_picture(tmp_path, usual, variables):
    (tmp_path / "matplotlibrc").write_text(RC if "MATPLOTLIBRC" in variables else "", encoding="utf-8")
    command = [*DRAW, tmp_path / "picture.png"]
    done = subprocess.run(command, env={**os.environ, **variables}, cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "picture.png").read_bytes() == usual


def test_the_users_settings_are_restored():
    with mpl.rc_context({"lines.linewidth": 7}):
        with matplotlib_settings({"font.size": 3}):
            assert (mpl.rcParams["font.size"], mpl.rcParams["lines.linewidth"]) == (3, 1.5)
        assert mpl.rcParams["lines.linewidth"] == 7
        assert mpl.rcParams["font.size"] == 10


def test_no_dollar_begins_a_formula():
    from matplotlib.figure import Figure

    figure = Figure()
    figure.suptitle(literal(r"maze $\nonsense$"))
    figure.draw_without_rendering()  # which refuses nonsense
