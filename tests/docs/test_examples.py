"""Every example of the documentation is run, and what comes out is compared with what stands beside it.

`COMMANDS` says for each command line how that is done, `NOT_RUN` for the others why it is not; a new example that is in
neither fails a test, and so does a new block of a language that nobody runs.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from rlbench import cli
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task
from tests.docs import examples
from tests.docs.outcomes import (
    Done,
    all_added,
    all_end,
    anything,
    as_recorded,
    charts,
    compares,
    counts,
    ends,
    first_row,
    graded,
    has_a_panel,
    names_its_folder,
    of_corner,
    plays_the_game_of_the_page,
    reached,
    two_moves,
    wins_a_game,
)
from tests.docs.pages import ROOT, blocks

linux = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")

ELSEWHERE = {
    ("docs/adding-a-task.md", "python"): "test_adding_a_task.py follows the page from start to end",
    ("docs/adding-a-task.md", "toml"): "test_adding_a_task.py follows the page from start to end",
    ("docs/adding-an-environment.md", "python"): "test_adding_an_environment.py and test_readme.py run them all",
    ("docs/adding-an-environment.md", "toml"): "test_adding_an_environment.py reads the group of entry points",
    ("docs/alphazero.md", "json"): "tests/harness/search_player plays by such files",
    ("docs/gtp.md", "text"): "tests/gtp and tests/envs/go/test_engine_games.py play such games",
    ("docs/python.md", "python"): "test_python_page.py runs them one after the other",
    ("docs/interop.md", "python"): "tests/interop/test_page.py runs them",
    ("docs/commands.md", "text"): "test_command_reference.py compares them with the commands' help",
    ("docs/submitting.md", "toml"): "the workshop below is furnished with it",
    ("docs/submitting.md", "json"): "test_a_network_without_code_plays, below",
    (
        "docs/submitting.md",
        "python",
    ): "furnishes the workshop below; test_a_function_will_do plays the other",
}
"""Blocks that others run, by page and language."""


class Example(NamedTuple):
    """How a command line is run: what is added so that it ends, what is demanded, and whether it takes long."""

    check: Callable[[Done], object]
    more: str = ""
    slow: bool = False


JSON = "--json"
COMMANDS = {
    "rlbench list": Example(counts, JSON),
    "rlbench play CartPole": Example(has_a_panel, "--keys right*3 --record keys.png"),
    "rlbench play GridWorld --set maze=8x8 --trace mine.jsonl": Example(
        lambda done: (done.folder / "mine.jsonl").exists(), "--keys right*3"
    ),
    "rlbench watch mine.jsonl": Example(as_recorded, JSON),
    "rlbench watch my_agent --task cart-pole --num-envs 64": Example(all_end, JSON, slow=True),
    "rlbench watch results/cart-pole@1/dqn@297de3d4a6bd.jsonl --episode 7 --record seven.mp4": Example(
        lambda done: as_recorded(done) and (done.folder / "seven.mp4").stat().st_size > 10_000, JSON, slow=True
    ),
    "rlbench watch random --task cart-pole@1": Example(first_row("return"), JSON),
    "rlbench play Go9x9 --set opponent=mcts:1000 --options colour=0": Example(
        two_moves, "--keys up space left space --json"
    ),
    "rlbench play Go19x19 --set opponent=null": Example(two_moves, "--keys up space left space --json"),
    "rlbench watch random-legal --task Go9x9 --set opponent=mcts:100 --record game.sgf": Example(
        lambda done: (done.folder / "game.sgf").read_text("utf-8").startswith("(;FF[4]"), JSON
    ),
    "rlbench show GridWorld --policy random": Example(of_corner, JSON),
    "rlbench new-agent my_first_agent": Example(
        lambda done: {row["file"] for row in done.rows} == {"agent.py", "submission.toml"}, JSON
    ),
    "rlbench check my_first_agent": Example(lambda done: [row["result"] for row in done.rows] == ["ok"], JSON),
    "rlbench evaluate my_first_agent": Example(lambda done: done.rows[0]["ok"] == 100, JSON),
    "rlbench evaluate my_agent random --task cart-pole --limit 50": Example(
        lambda done: [(row["agent"], row["episodes"]) for row in done.rows] == [("lean", 50), ("random", 100)], JSON
    ),
    "rlbench evaluate random --task cart-pole@1": Example(first_row("mean_return"), JSON),
    "rlbench verify results/cart-pole@1": Example(
        lambda done: {row["verdict"] for row in done.rows} == {"verified"},
        JSON,
        slow=True,
    ),
    "rlbench match mcts:100 random --env go5 --games 10": Example(lambda done: done.rows[0]["won"] >= 5, JSON),
    "rlbench evaluate my_agent --task cart-pole@1": Example(lambda done: done.rows[0]["mean_return"] > 150, JSON),
    "rlbench evaluate my_agent/ --suite quick": Example(lambda done: done.rows[0]["task"] == "cart-pole@1", JSON),
    "rlbench leaderboard": Example(lambda done: "\n## Cost" in (done.folder / "leaderboard.md").read_text("utf-8")),
    "rlbench leaderboard --check": Example(lambda done: "is up to date" in done.out),
    "rlbench plot runs/quick": Example(charts, JSON, slow=True),
    "rlbench new-task MountainCar-v0": Example(
        lambda done: (done.folder / "mountain-car.toml").exists() and done.rows[0]["random"] == -200,
        "--measured 20 --json",
    ),
    "rlbench doctor": Example(lambda done: {row["status"] for row in done.rows} <= {"ok", "warn"}, JSON, slow=True),
    "rlbench run tabular": Example(
        lambda done: {row["agent"] for row in done.rows if row["table"] == "task"} == {"value-iteration"},
        "--agent value-iteration --json",
    ),
    "rlbench merge mine": Example(all_added, JSON),
    "rlbench compare ppo sac": Example(compares, JSON),
    "rlbench evaluate submissions --suite quick --secret secret --results graded": Example(graded, JSON),
    "rlbench match my_searcher mcts:1000 --env go5": Example(wins_a_game, "--games 2 --json", slow=True),
    "rlbench watch my_searcher --task go5@1": Example(ends, JSON, slow=True),
    "rlbench watch baselines/pretrained/go5@1/alphazero-s0 --task go5@1 --episode 3 --record game.sgf": Example(
        plays_the_game_of_the_page, JSON, slow=True
    ),
    "rlbench run quick": Example(reached, "--seeds 2 --json", slow=True),
    "rlbench train value-iteration --task rlbench/GridWorldFourRooms-v0": Example(anything),
    "rlbench train dqn --seed 0": Example(names_its_folder, slow=True),
    "rlbench train dqn": Example(names_its_folder, slow=True),
    "rlbench train dqn --preset lecture": Example(anything, slow=True),
    "rlbench train pqn": Example(anything, slow=True),
    "rlbench train q-learning --seed 3 --tensorboard": Example(
        lambda done: list(done.folder.glob("runs/train/grid-world@1/q-learning-s3/tensorboard/*")), slow=True
    ),
    "rlbench train reinforce --estimator moving-average": Example(anything, slow=True),
    "rlbench train actor-critic": Example(anything, slow=True),
}
"""Commands of the pages and tables, without their comments."""

HOURS = "takes hours or days; what it reached is in results/, which test_scores.py compares with docs/agents.md"
MINUTES = "takes many minutes; its parts are tested one by one"
GO = "takes an agent that plays Go; tests/harness/test_match_command.py has some"
SEARCHER = "takes an agent that searches; tests/harness/search_player plays one"
A_TASK = "test_adding_a_task.py follows the page from start to end"
AN_ENVIRONMENT = "test_adding_an_environment.py follows the page from start to end"
TRAINED = "takes a trained model; tests/commands/test_new_agent.py has some, and trains others"
SHARDS = "is for a job array; tests/harness/executors/test_shards.py plays one"
NOT_RUN = {
    "rlbench new-agent my_ppo --kind sb3 --weights model.zip": TRAINED,
    "rlbench new-agent my_network --kind cleanrl --weights ppo.cleanrl_model": TRAINED,
    "rlbench new-agent my_policy --kind torchrl --weights policy.pt": TRAINED,
    "rlbench new-agent untrained --kind cleanrl": TRAINED,
    "python untrained/train.py": TRAINED,
    "rlbench show cars:demo/MountainCar-v0": AN_ENVIRONMENT,
    "rlbench show cars:demo/MountainCar-v0 --check": AN_ENVIRONMENT,
    "rlbench play cars:demo/MountainCar-v0": AN_ENVIRONMENT,
    "rlbench new-task cars:demo/MountainCar-v0": AN_ENVIRONMENT,
    "rlbench train dqn --task mountain-car --observation-scale 1 15 --total-env-steps 20_000": AN_ENVIRONMENT,
    "rlbench evaluate runs/train/mountain-car@1/dqn-s0/submission": AN_ENVIRONMENT,
    "rlbench watch runs/train/mountain-car@1/dqn-s0/submission": AN_ENVIRONMENT,
    "rlbench new-task maze_env:demo/Maze-v0": A_TASK,
    "export RLBENCH_PATH=$PWD": A_TASK,
    "rlbench evaluate random --suite mazes": A_TASK,
    "rlbench train q-learning --task maze": A_TASK,
    "rlbench evaluate runs/train/maze@1/q-learning-s0/submission": A_TASK,
    "make run": "is `rlbench run quick`, in an installation that it makes",
    "make test": "runs this test",
    'pip install -c constraints.txt ".[all]"': "is what these tests run in",
    'rlbench evaluate my_agent --suite classic --shard "$SLURM_ARRAY_TASK_ID/8" --results shards': SHARDS,
    "rlbench merge shards": SHARDS,
    "RAY_ADDRESS=auto rlbench evaluate my_agent --suite classic --executor ray": (
        "needs a cluster; tests/harness/executors/test_ray.py makes one of two nodes"
    ),
    "rlbench run classic": MINUTES,
    "rlbench run classic --reproduce baselines/pretrained --results results": MINUTES,
    "rlbench match my_agent random --env go5 --sgf games": GO,
    "rlbench match my_agent gnugo:10 mcts:1000 --env go9 --games 40 --output games.csv": GO,
    "rlbench match my_agent random mcts:1000 gnugo:10 --env go9 --games 200 --gauntlet --output games.csv": GO,
    "rlbench match random mcts:1 mcts:3 mcts:10 mcts:30 mcts:100 mcts:1000 gnugo:1 gnugo:10 mcts:10000 "
    "--env go5 --games 40": MINUTES,
    "rlbench run mujoco-v5": HOURS,
    "rlbench run mujoco-v5 --agent ppo --task half-cheetah-gymnasium@1": MINUTES,
    "rlbench run mujoco-v5 --agent ppo --task hopper-gymnasium@1": MINUTES,
    "rlbench run atari": HOURS,
    "rlbench run locomotion": HOURS,
    "rlbench run control": MINUTES,
    "rlbench run go": MINUTES,
    "rlbench train reinforce-go": MINUTES,
    "rlbench train alphazero": MINUTES,
    "rlbench gtp my_searcher": SEARCHER,
    "python -m baselines.studies.search_tree baselines/pretrained/go5@1/alphazero-s0 "
    "--moves C3 D4 D3 --width 2": "tests/baselines/studies/test_search_tree.py draws trees",
    "rlbench run glimpses": HOURS,
    "rlbench train recurrent-attention --preset mnist": HOURS,
    "rlbench train actor-critic --preset locomotion --task hopper-gymnasium@1": HOURS,
    "rlbench train soft-actor-critic --task half-cheetah-gymnasium@1": HOURS,
    "rlbench train xqc --task half-cheetah-gymnasium@1": "takes an hour; tests/baselines/algorithms/test_xqc.py trains",
    "rlbench train dqn --preset atari-cpu --task breakout@1": HOURS,
    "python -m baselines.studies.gradient_variance": MINUTES,
    "python -m baselines.studies.sample_efficiency": MINUTES,
}
"""Commands that no test runs, and why."""

EVERY_COMMAND = list(examples.commands())
RUN = [each for each in EVERY_COMMAND if each.line in COMMANDS]
PYTHON = [b for b in examples.blocks() if b.language == "python" and (b.page, b.language) not in ELSEWHERE]


def test_every_block_is_run_here_or_elsewhere():
    for block in examples.blocks():
        if block.language == "text" and (block.page, block.language) not in ELSEWHERE:
            before = examples.blocks()[examples.blocks().index(block) - 1]
            assert (before.page, before.language) == (block.page, "python"), f"nothing prints this: {block}"
        elif block.language not in ("", "python"):
            assert (block.page, block.language) in ELSEWHERE, block


def test_every_command_is_run_or_says_why_not():
    lines = {each.line for each in EVERY_COMMAND}
    assert lines == COMMANDS.keys() | NOT_RUN.keys()
    assert not COMMANDS.keys() & NOT_RUN.keys()


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """A working directory with what the examples name: agents, some records, a trace, a finished run."""
    from rlbench.interact import trace
    from rlbench.interact.episode import ShownEpisode, make

    (tmp_path / "my_agent").mkdir()
    for name, language in (("submission.toml", "toml"), ("agent.py", "python")):
        (tmp_path / "my_agent" / name).write_text(blocks("docs/submitting.md", language)[0], encoding="utf-8")
    for task, folder in (("cart-pole@1", "results"), ("grid-world@1", "runs/quick/results"), ("grid-world@1", "mine")):
        (tmp_path / folder / task).mkdir(parents=True)
        for pattern in ("random@*", "dqn@29*", "q-learning@*"):
            for path in sorted((ROOT / "results" / task).glob(f"{pattern}.jsonl"))[:2]:
                shutil.copy(path, tmp_path / folder / task)
    shutil.copytree(tmp_path / "my_agent", tmp_path / "submissions" / "my_agent")
    (tmp_path / "secret").write_bytes(bytes(range(32)))
    shutil.copytree(ROOT / "results" / "half-cheetah-gymnasium@1", tmp_path / "results" / "half-cheetah-gymnasium@1")
    for folder in ("my_searcher", "baselines/pretrained/go5@1/alphazero-s0"):
        shutil.copytree(ROOT / "baselines/pretrained/go5@1/alphazero-s0", tmp_path / folder)
    env = make("rlbench/GridWorld-v0", {})
    trace.save(ShownEpisode(env, 0, player="hand"), tmp_path / "mine.jsonl")
    env.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return tmp_path


def marked(command):
    return pytest.param(command, id=command.line, marks=[pytest.mark.slow] if COMMANDS[command.line].slow else [])


@linux
@pytest.mark.parametrize("command", [marked(each) for each in RUN])
def test_a_command_does_what_the_page_says(command, workshop, capsys):
    example = COMMANDS[command.line]
    if command.line.endswith("--check"):
        assert cli.main(["leaderboard", "--quiet"]) == 0
    if command.line.endswith(("check my_first_agent", "evaluate my_first_agent")):
        assert cli.main(["new-agent", "my_first_agent", "--quiet"]) == 0
    assert cli.main([*command.line.split()[1:], *example.more.split()]) == 0
    done = Done(command.says, *capsys.readouterr(), workshop)
    assert example.check(done), done


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: f"{block.page} {block.number}")
def test_python_gives_what_the_comments_and_the_next_block_say(block, monkeypatch):
    if "mujoco" in block.page or any(robot in block.text for robot in ("Hopper", "HalfCheetah")):
        pytest.importorskip("mujoco", reason="pip install 'rlbench[mujoco]'")
    if "atari" in block.page:
        pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")
    monkeypatch.chdir(ROOT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        examples.run(block.text)
    following = [b for b in examples.blocks() if (b.page, b.number) == (block.page, block.number + 1)]
    if following and following[0].language == "text":
        shown, lines = following[0].text.splitlines(), printed.getvalue().splitlines()
        gap = shown.index("...") if "..." in shown else len(shown)
        assert lines[:gap] == shown[:gap]
        assert lines[gap - len(shown) + 1 :] == shown[gap + 1 :] or gap == len(shown) == len(lines)
    else:
        assert not printed.getvalue()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 + 1  # 3", "2 is not 3"),
        ("import numpy as np\nnp.zeros((2, 3))  # float32[2, 3]", "float32"),
        ("import numpy as np\nx = np.zeros((2, 3))  # float64[N, 4]", "float64"),
        ("import numpy as np\nx = {'a': np.zeros(2)}  # {\"a\": bool[k]}", "bool"),
    ],
)
def test_an_example_that_gives_something_else_is_found(code, message):
    with pytest.raises(AssertionError, match=message):
        examples.run(code)


def test_means_that_the_table_of_commands_names_are_those_of_the_records(tmp_path):
    """For the commands that take too long to be run."""
    says = {each.line: each.says for each in EVERY_COMMAND}
    for task in ("breakout@1", "half-cheetah-gymnasium@1"):
        shutil.copytree(ROOT / "results" / task, tmp_path / task)
    means = record.load(tmp_path).groupby(["task", "agent"])["return"].mean()
    above, random = examples.numbers(says["rlbench run atari"])
    assert means["breakout@1"]["dqn-cpu"] > above
    assert round(means["breakout@1"]["random"], 1) == random
    assert means["half-cheetah-gymnasium@1"]["ppo"] > examples.numbers(says["rlbench run mujoco-v5"])[0]


@linux
def test_a_function_will_do(workshop, capsys):
    """The function of the page, as an entry of its own."""
    (workshop / "my_agent" / "agent.py").write_text(blocks("docs/submitting.md", "python")[1], encoding="utf-8")
    manifest = workshop / "my_agent" / "submission.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("agent:load", "agent:act"), encoding="utf-8")
    assert cli.main(["evaluate", "my_agent", "--limit", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["mean_return"] > 150


@linux
def test_a_network_without_code_plays(workshop, capsys):
    """The graph of the page, with weights that push where the pole leans."""
    save_file = pytest.importorskip("safetensors.numpy", reason="pip install 'rlbench[baselines]'").save_file
    (workshop / "graph.json").write_text(blocks("docs/submitting.md", "json")[0], encoding="utf-8")
    folder = workshop / "network"
    folder.mkdir()
    shutil.move(workshop / "graph.json", folder)
    manifest = (workshop / "my_agent" / "submission.toml").read_text(encoding="utf-8")
    (folder / "submission.toml").write_text(manifest.replace("agent:load", "rlbench:layers"), encoding="utf-8")
    weight = np.array([[0, 0, 0, 0], [0, 0, 1, 0.3]], np.float32)
    save_file({"q.weight": weight, "q.bias": np.zeros(2, np.float32)}, folder / "weights.safetensors")
    assert cli.main(["evaluate", "network", "--task", get_task("cart-pole").key, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["mean_return"] > 150
