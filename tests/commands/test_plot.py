"""`rlbench plot`: curves, profiles and rankings from files, and mistakes as one line."""

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.text import Text

from rlbench import cli
from rlbench.commands import plot
from rlbench.commands.plotting import curves as plot_curves
from rlbench.commands.plotting import scores as plot_scores
from rlbench.commands.plotting.curves import Curve, band
from rlbench.commands.plotting.style import style
from rlbench.commands.shared.agents import learning_curves
from rlbench.commands.shared.runs import load_runs
from rlbench.drawing.shapes import PAPER
from rlbench.harness.ranking import scores
from rlbench.harness.ranking.agent_results import collect_results
from rlbench.harness.ranking.intervals import mean_interval, moments
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.results import curves as kept_curves
from rlbench.harness.tasks.suite import SUITES, TASKS
from tests.harness.ranking.results import crowd, runs

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def committed():
    """The committed runs."""
    return load_runs(ROOT / "results")


def write_curve(folder, agent="dqn", seed=0, returns=(10, 200, 500), task="cart-pole@1", head=True):
    folder.mkdir(parents=True)
    begin = {"update": 0, "steps": 0, "seconds": 0.0, "algorithm": "dqn"}
    lines = [{"event": "started", "agent": agent, "task": task, "seed": seed, **begin}] if head else []
    for i, value in enumerate(returns, start=1):
        at = {"update": i, "steps": 100 * i, "seconds": 0.5 * i}
        lines.append({"event": "progress", **at, "loss": 0.1})
        lines.append({"event": "evaluated", **at, "mean": value, "returns": [value]})
    (folder / "curve.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = cli.main(["plot", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out.startswith("[") else out, err

    return call


def test_charts_of_trainings_and_of_results(run, tmp_path, monkeypatch):
    monkeypatch.setattr(plot_scores, "POINTS", 40)
    for seed in range(3):
        write_curve(tmp_path / "runs" / f"dqn-s{seed}", seed=seed, returns=(10, 100 * seed, 500))
    (tmp_path / "runs" / "results" / "grid-world@1").mkdir(parents=True)
    for path in sorted((ROOT / "results" / "grid-world@1").glob("q-learning*"))[:4]:
        shutil.copy(path, tmp_path / "runs" / "results" / "grid-world@1")
    code, rows, _ = run("runs", "--json")
    assert code == 0
    assert [row["file"] for row in rows] == [
        f"plots/{name}.{suffix}" for name in ("curves", "profiles", "leaderboard") for suffix in ("png", "svg")
    ]
    for row in rows:
        if row["file"].endswith("png"):
            image = imread(tmp_path / row["file"])[..., :3]
            assert tuple((image[0, 0] * 255).round().astype(int)) == PAPER
            assert image.std() > 0.05
        else:
            assert (tmp_path / row["file"]).read_text(encoding="utf-8").startswith("<?xml")


def test_curves_in_hidden_folders_are_left_out(tmp_path):
    curve = write_curve(tmp_path / ".runs" / "a") / "curve.jsonl"  # the folder given may be hidden itself
    write_curve(tmp_path / ".runs" / ".ipynb_checkpoints" / "a")
    assert plot_curves.find([tmp_path / ".runs"]) == plot_curves.find([curve]) == [curve.resolve()]


def test_curves_beside_results_are_drawn_where_the_training_runs_are_not_there(tmp_path):
    for seed in range(2):
        place = write_curve(tmp_path / f"s{seed}", seed=seed, returns=(0, 10 * seed))
        kept_curves.keep(learning_curves().read(place / "curve.jsonl"), tmp_path / "results")
    shutil.rmtree(tmp_path / "s1")
    found = plot_curves.find([tmp_path])
    assert [path.name for path in found] == ["dqn-s0.csv", "dqn-s1.csv", "curve.jsonl"]
    read = plot_curves.read_all(found, "seconds")
    assert [(curve.seed, curve.at.tolist(), curve.mean.tolist()) for curve in read] == [
        (1, [0.5, 1.0], [0.0, 10.0]),
        (0, [0.5, 1.0], [0.0, 0.0]),
    ]
    assert plot_curves.find([found[0]]) == [found[0]]


def test_the_same_curve_gives_the_same_svg(tmp_path, monkeypatch):
    monkeypatch.setattr(plot, "FORMATS", ("svg",))
    curve = plot_curves.read(write_curve(tmp_path / "a") / "curve.jsonl", "steps")
    for name in ("one", "two"):
        plot.save(name, lambda: plot_curves.draw([curve], "steps"), "", tmp_path)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_band_is_the_mean_and_its_bootstrap_interval():
    rng = np.random.default_rng(0)
    at = np.array([1.0, 2.0, 3.0])
    curves = [Curve("t", "a", seed, at, rng.normal(size=3)) for seed in range(6)]
    shown = band(curves)
    values = np.stack([curve.mean for curve in curves])
    np.testing.assert_allclose(shown.mean, values.mean(axis=0))
    for k in range(3):
        low, high = mean_interval(moments(values[:, k])._replace(third=0.0))  # Student's
        assert (shown.low[k], shown.high[k]) == pytest.approx((low, high), abs=0.12 * (high - low))


def test_seeds_of_different_lengths_count_with_their_last_value():
    short = Curve("t", "a", 0, np.array([1.0, 2.0]), np.array([0.0, 10.0]))
    long = Curve("t", "a", 1, np.array([2.0, 4.0]), np.array([20.0, 40.0]))
    shown = band([short, long])
    np.testing.assert_allclose(shown.at, [2, 4])  # before 2 the second seed has no value
    np.testing.assert_allclose(shown.mean, [15, 25])
    assert band([short]).low is band([short, long]).low is None  # two seeds have no interval


def line_of(figure, panel, name):
    (line,) = (line for line in figure.axes[panel].get_lines() if line.get_label() == name)
    return line.get_xdata(), line.get_ydata()


def test_what_is_drawn_is_what_was_read(tmp_path):
    curves = [
        plot_curves.read(
            write_curve(tmp_path / f"s{seed}", seed=seed, returns=(0, 10 * seed)) / "curve.jsonl", "seconds"
        )
        for seed in range(3)
    ]
    with style():
        x, y = line_of(plot_curves.draw(curves, "seconds"), 0, "dqn")
    np.testing.assert_allclose(x, [0.5, 1.0])
    np.testing.assert_allclose(y, [0.0, 10.0])


def test_profiles_of_the_committed_results(committed):
    """A row per agent, the best on top; the line is as high in its row as seeds are above, of a height of 0.8."""
    key = "cart-pole@1"
    by_task = collect_results([run for run in committed if run.task == key], TASKS)[0]
    played = plot_scores.played(by_task)
    with style():
        figure = plot_scores.profiles(played)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    rows = [label.get_text() for label in figure.axes[titles.index(key)].get_yticklabels()]
    assert {*rows[:2]} == {"pqn  (10)", "reinforce  (10)"}  # 500 in every episode
    row = rows.index("dqn-lecture  (10)")
    tau, height = line_of(figure, titles.index(key), "dqn-lecture")
    (entry,) = (entry for entry in by_task[key] if entry.agent.label == "dqn-lecture")
    np.testing.assert_allclose((row + 0.4 - height) / 0.8, [(entry.scores > t).mean() for t in tau], atol=1e-12)


CROWD = [SUITES["mujoco-v5"][0], SUITES["mujoco-v5"][1], TASKS["pong@1"], TASKS["grid-world@1"]]


@pytest.mark.parametrize("count", [1, 15])
def test_no_words_of_a_chart_overlap_or_are_cut_off(count):
    """With 15 agents of long names on four tasks, beside the published ones."""
    played = [*crowd(CROWD, count), *runs("$alone$", TASKS["humanoid@1"], [100, 200, 300])]
    by_task = collect_results(played, TASKS)[0]
    ranked = compute_rankings(played, TASKS, SUITES)
    names = sorted({run.agent.name for run in played})
    learnt = [Curve("cart-pole@1", name, 0, np.array([1e4, 1e6]), np.array([i, 400.0])) for i, name in enumerate(names)]
    with style():
        for figure in (
            plot_scores.leaderboard(ranked),
            plot_scores.profiles(by_task),
            plot_curves.draw(learnt, "steps"),
        ):
            boxes = words_of(figure)
            assert len(boxes) > count
            for (words, box), (others, other) in itertools.combinations(boxes, 2):
                assert not box.overlaps(other), (words, others)
            for words, box in boxes:
                assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, words
                assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, words


def words_of(figure):
    """Every text that is drawn and its box; labels of ticks beyond the axes are made but not drawn."""
    figure.draw_without_rendering()
    shown = [axes for axes in figure.axes if axes.get_visible()]
    texts = [text for part in (*shown, *figure.legends) for text in part.findobj(Text)]
    beyond = [label for axes in shown for axis in (axes.xaxis, axes.yaxis) for label in not_drawn(axis)]
    drawn = [text for text in texts if text.get_visible() and text.get_text().strip() and text not in beyond]
    return [(text.get_text(), text.get_window_extent()) for text in drawn]


def not_drawn(axis):
    """Labels of ticks beyond the ends of an axis."""
    low, high = sorted(axis.get_view_interval())
    ticks = zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
    return [label for label, at in ticks if not low <= at <= high]


def test_tasks_that_only_the_random_agent_has_played_are_left_out(committed):
    runs = [run for run in committed if run.task == "grid-world@1" or run.agent.name == "random"]
    by_task = collect_results(runs, TASKS)[0]
    assert len(by_task) > 1
    assert list(plot_scores.played(by_task)) == ["grid-world@1"]
    with style():
        charts = plot_scores.leaderboard(compute_rankings(runs, TASKS, SUITES)).axes
    assert [axes.get_title(loc="left") for axes in charts] == ["grid-world@1"]


def test_results_of_the_random_agent_alone_are_drawn_beside_the_lines_of_reference(run, tmp_path):
    (tmp_path / "results" / "grid-world@1").mkdir(parents=True)
    (record_of_random,) = (ROOT / "results" / "grid-world@1").glob("random@*.jsonl")
    shutil.copy(record_of_random, tmp_path / "results" / "grid-world@1")
    code, rows, _ = run("results", "--json")
    assert (code, {row["shows"] for row in rows}) == (0, {"the lines of reference of 1 task"})


def test_published_scores_stand_among_ours_in_the_leaderboard(committed):
    marks = plot_scores.marks(compute_rankings(committed, TASKS, SUITES), "pong@1")
    assert [mark.name for mark in marks if mark.published] == [
        *("MR.Q, 2.5M", "DQN (Dopamine), 50M", "MR.Q, 1M", "MR.Q, 400k", "DQN (Dopamine), 1.25M")
    ]
    assert [mark.name for mark in marks if not mark.published] == ["dqn-double  (1)", "dqn-cpu  (3)"]
    means = [mark.mean_return for mark in marks]
    assert means == sorted(means, reverse=True)


def test_a_performance_profile_by_hand():
    strata = [np.array([0.1, 0.5, 0.9, 0.9]), np.array([0.5, np.nan])]
    shares = scores.performance_profile(strata, [0.0, 0.1, 0.5, 0.95])
    np.testing.assert_allclose(shares, [1.0, (0.75 + 1) / 2, (0.5 + 0) / 2, 0.0])
    batch = [np.stack([strata[0], strata[0][::-1]]), np.stack([strata[1]] * 2)]
    np.testing.assert_allclose(scores.performance_profile(batch, [0.0, 0.1, 0.5, 0.95]), [shares, shares])
    area = np.trapezoid(scores.performance_profile([strata[0]], np.linspace(0, 1, 10_001)), dx=1e-4)
    assert area == pytest.approx(strata[0].mean(), abs=1e-3)  # a mean is the area under its profile
    assert np.isnan(scores.performance_profile([np.array([np.nan])], [0.5])).all()


def test_every_agent_has_a_panel_of_its_own_on_the_axes_of_its_task():
    names = [f"agent-{i:02}" for i in range(15)]
    learnt = [
        Curve("cart-pole@1", name, seed, np.array([1e4, 1e5 + i]), np.array([i, 400.0]))
        for i, name in enumerate(names)
        for seed in range(2)
    ]
    with style():
        figure = plot_curves.draw(
            [*learnt, Curve("go5@1", "a", 0, np.array([1.0, 2.0]), np.array([0.1, 0.9]))], "steps"
        )
    panels = [axes for axes in figure.axes if axes.get_visible()]
    titles = [axes.get_title(loc="left") for axes in panels]
    assert titles == [*(f"cart-pole@1\n{name}  (2)" for name in names), "go5@1\na  (1)"]
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in panels[:-1]}) == 1
    assert panels[-1].get_xlim() != panels[0].get_xlim()


def test_the_curves_of_few_seeds_are_drawn_and_not_cut_off():
    for seeds, lines in ((1, 1), (3, 4), (6, 1)):
        learnt = [Curve("t@1", "a", s, np.array([1.0, 2.0]), np.array([0.0, 10.0 * s])) for s in range(seeds)]
        with style():
            (panel,) = plot_curves.draw(learnt, "steps").axes
        drawn = [line for line in panel.get_lines() if len(line.get_xdata()) == 2]
        assert len(drawn) == lines
        assert len(panel.collections) == (1 if seeds == 6 else 0)  # an interval
        assert all(panel.get_ylim()[0] < y < panel.get_ylim()[1] for line in drawn for y in line.get_ydata())


def test_several_tasks_have_a_chart_of_curves_each(run, tmp_path, monkeypatch):
    monkeypatch.setattr(plot, "FORMATS", ("svg",))
    for task in ("cart-pole@1", "rlbench/GridWorld-v0"):
        write_curve(tmp_path / "runs" / task, task=task)
    code, rows, _ = run("runs", "--json")
    assert (code, [row["file"] for row in rows]) == (
        0,
        [f"plots/{name}.svg" for name in ("curves", "curves/cart-pole@1", "curves/rlbench-GridWorld-v0")],
    )
    assert all((tmp_path / row["file"]).is_file() for row in rows)


def test_mistakes_are_one_line_and_leave_nothing(run, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for name, text in (
        ("no json", "{"),
        ("no head", '{"event": "evaluated", "steps": 1, "mean": 2}'),
        ("no list", "3"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "curve.jsonl").write_text(text, encoding="utf-8")
    write_curve(tmp_path / "fine")
    before = sorted(tmp_path.rglob("*"))
    cases = {
        ("empty",): "no learning curve (curve.jsonl) and no complete results found: empty",
        ("nowhere",): "nothing at nowhere; give folders",
        ("no json",): "is no learning curve",
        ("no head",): "is no learning curve: no 'task'; train again, or leave it out",
        ("no list",): "is no learning curve",
        ("fine", "--output", "file/plots"): "cannot write file/plots",
        ("fine", "--json", "--csv"): "exclude each other",
        (): "nothing given",
    }
    for arguments, words in cases.items():
        code, out, err = run(*arguments)
        assert (code, out) == (2, ""), (arguments, out)
        assert words in err
        assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_in_two_folders_counts_once(run, tmp_path, monkeypatch):
    monkeypatch.setattr(plot, "FORMATS", ("svg",))
    monkeypatch.setattr(plot_scores, "POINTS", 10)
    write_curve(tmp_path / "runs" / "s0")
    paths = sorted((ROOT / "results" / "grid-world@1").glob("q-learning*"))[:2]
    for folder, count in (("results", 2), ("runs/results", 1)):
        (tmp_path / folder / "grid-world@1").mkdir(parents=True)
        for path in paths[:count]:
            shutil.copy(path, tmp_path / folder / "grid-world@1")
    code, rows, err = run("results", "runs", "runs/s0", "--json")
    assert (code, err) == (0, "")
    assert {row["chart"]: row["shows"] for row in rows} == {
        "curves": "1 training run, 1 agent",
        "profiles": "1 agent on 1 task",
        "leaderboard": "1 agent on 1 task",
    }
