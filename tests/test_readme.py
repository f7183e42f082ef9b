"""The examples of README.md and of the pages about environments and submissions, taken from them and run."""

import json
import re
import sys

import gymnasium
import numpy as np
import pytest

import rlbench
from tests.benchmarks import report
from tests.docs.pages import ROOT, blocks, text

CAR, SUBMISSION = "docs/adding-an-environment.md", "docs/submitting.md"


def block(page, first_line):
    """The code block of a page that begins with this line."""
    found = blocks(page, "python") + blocks(page, "toml")
    return next(each for each in found if each.startswith(first_line))


@pytest.fixture
def mountain_car(tmp_path, monkeypatch):
    """The environment of the page, written to a file, registered and checked as the page does."""
    text = block(CAR, "# mountain_car.py")
    assert len([line for line in text.splitlines() if line.strip()]) <= 40
    (tmp_path / "mountain_car.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cars.py").write_text(block(CAR, "# cars.py"), encoding="utf-8")
    exec(block(CAR, "import cars  # registers it"), {})
    yield "demo/MountainCar-v0"
    del gymnasium.registry["demo/MountainCar-v0"]
    del sys.modules["mountain_car"], sys.modules["cars"]


def test_forty_lines_are_mountain_car(mountain_car):
    ours, theirs = gymnasium.make(mountain_car), gymnasium.make("MountainCar-v0")
    rng = np.random.default_rng(0)
    for seed in range(5):
        np.testing.assert_array_equal(ours.reset(seed=seed)[0], theirs.reset(seed=seed)[0])
        for action in rng.integers(3, size=200).tolist():
            a, b = ours.step(action), theirs.step(action)
            np.testing.assert_allclose(a[0], b[0], rtol=1e-6)
            assert a[1:4] == b[1:4]
    envs = gymnasium.make_vec(mountain_car, num_envs=3, force=0.002)
    assert envs.reset(seed=0)[0].shape == (3, 2)


def test_the_quick_start_runs():
    names = {}
    exec(block("README.md", "import gymnasium\nimport rlbench  # registers the ids"), names)
    assert names["maze"].unwrapped.P[0][1][0][0] == pytest.approx(0.9)


@pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")
def test_the_submission_scores(tmp_path):
    from rlbench.harness.evaluate import evaluate
    from rlbench.harness.results import record
    from rlbench.harness.tasks.suite import get_task

    folder = tmp_path / "my_agent"
    folder.mkdir()
    (folder / "submission.toml").write_text(block(SUBMISSION, "# my_agent/submission.toml"), encoding="utf-8")
    (folder / "agent.py").write_text(block(SUBMISSION, "# my_agent/agent.py"), encoding="utf-8")
    evaluate(get_task("cart-pole@1"), folder, tmp_path / "results", quiet=True)
    rows = record.load(tmp_path / "results")
    assert set(rows["status"]) == {"ok"}
    assert rows["return"].mean() > 150


def test_every_kind_of_environment_has_a_picture_that_make_draws():
    """Small ones: a reader of the page waits for them. A test of `rlbench watch` sees to what they show."""
    makefile = text("Makefile")
    shown = re.findall(r"!\[[^\]]+\]\(docs/([\w-]+\.png)\)", text("README.md"))
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    elsewhere = re.findall(r"!\[[^\]]+\]\(([\w-]+\.png)\)", pages)
    assert sorted({*shown, *elsewhere}) == sorted(path.name for path in (ROOT / "docs").glob("*.png"))
    kinds = {(each.rules, each.entry_point) for each in rlbench.ENVIRONMENTS}
    assert len(shown) == len(kinds)
    for name in shown:
        assert f"$(FILMSTRIP)/{name}" in makefile
        assert (ROOT / "docs" / name).stat().st_size < 60_000


def test_speeds_are_the_measured_ones():
    """The page about speed, and the table of the README, are what the last measurement says."""
    speed = json.loads(text("docs/speed.json"))
    assert text("docs/speed.md") == report.page(speed)
    assert text("README.md").split(report.MARK)[1].strip() == report.readme_table(speed).strip()
