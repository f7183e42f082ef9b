"""Tasks and suites of others: what a file may say, what is told of mistakes, and where files are found."""

import dataclasses
import os
import sys
import textwrap

import pytest

from rlbench.errors import UserError
from rlbench.harness.tasks import found
from rlbench.harness.tasks.fields import SUITE_FIELDS, TASK_FIELDS
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.suite import SUITES, TASKS, catalogue, find_task, get_suite, get_task, get_task_of_record
from rlbench.harness.tasks.task import EachOnce, Task

NEEDED = {
    "name": '"maze"',
    "version": "1",
    "env_id": '"maze_env:demo/Maze-v0"',
    "failure_return": "-100",
    "random": "-60.5",
    "reference": "-6.0",
}


def table(**fields):
    """A `[[task]]` with the fields that are needed and these, as words of TOML; None leaves one out."""
    lines = [f"{name} = {value}\n" for name, value in {**NEEDED, **fields}.items() if value is not None]
    return "".join(["[[task]]\n", *lines])


def write(path, text):
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """What a test makes known is forgotten after it."""
    monkeypatch.setattr(found, "NAMED", {})
    monkeypatch.delenv(found.VARIABLE, raising=False)
    path = list(sys.path)
    yield
    sys.path[:] = path
    found.entry_points.cache_clear()


def test_a_file_of_toml_says_the_same_as_a_task_of_python(tmp_path):
    text = table(
        env_kwargs="{ size = 5 }",
        episodes="12",
        num_envs="4",
        options="[{ start = 0 }, { start = 1 }]",
        limits="{ act = 1.5 }",
        episode_range="[-100, -1]",
        outcomes='["exit"]',
        reference_source='"the exact optimum"',
    )
    wanted = Task(
        name="maze",
        version=1,
        env_id="maze_env:demo/Maze-v0",
        env_kwargs={"size": 5},
        episodes=12,
        num_envs=4,
        options=({"start": 0}, {"start": 1}),
        limits=Limits(act=1.5),
        failure_return=-100,
        random=-60.5,
        reference=-6.0,
        episode_range=(-100, -1),
        outcomes=("exit",),
        reference_source="the exact optimum",
    )
    task = get_task(write(tmp_path / "maze.toml", text))
    assert task == wanted
    assert task.hash == wanted.hash != dataclasses.replace(wanted, episodes=13).hash


def test_each_number_once_is_an_option_too(tmp_path):
    task = get_task(write(tmp_path / "maze.toml", table(options='{ each = "image", count = 30 }')))
    assert task.options == EachOnce("image", 30, "maze@1")
    assert sorted(task.episode(i)[1]["image"] for i in range(30)) == list(range(30))


def test_a_file_holds_suites_which_are_families(tmp_path):
    text = (
        table()
        + table(name='"large-maze"')
        + table(name='"alone"')
        + '[suite.mazes]\ntitle = "Mazes"\nbudgets = [1000, 2_000]\ntasks = ["maze", "large-maze@1", "cart-pole@1"]\n'
        + 'tiny.tasks = ["maze"]\n'.replace("tiny.tasks", "[suite.tiny]\ntasks")
    )
    path = write(tmp_path / "mazes.toml", text)
    assert [task.key for task in get_suite(path)] == ["maze@1", "large-maze@1", "alone@1"]
    assert [task.key for task in get_suite(f"{path}:mazes")] == ["maze@1", "large-maze@1", "cart-pole@1"]
    known = catalogue()
    assert [task.key for task in known.members("mazes")] == ["maze@1", "large-maze@1"]
    assert known.family["maze@1"] == "mazes"  # the first that lists it
    assert known.family["alone@1"] == "alone"
    assert known.budgets("maze@1") == (1000, 2000)
    assert known.family["cart-pole@1"] == "control"
    assert known.suites.keys() - SUITES.keys() == {"mazes", "tiny", "alone"}
    assert find_task(f"{path}:Large-Maze").name == "large-maze"
    with pytest.raises(UserError, match=r"has 3 tasks; give one of .*mazes.toml:maze@1, .*:large-maze@1"):
        get_task(path)


def test_python_defines_tasks_as_well(tmp_path):
    (tmp_path / "sizes.py").write_text("SIZES = (5, 9)", encoding="utf-8")
    path = write(
        tmp_path / "mazes.py",
        """
        from rlbench.harness.tasks.task import Task
        from sizes import SIZES
        TASKS = [
            Task(f"maze-{n}", 1, "maze_env:demo/Maze-v0", {"size": n}, failure_return=-9, random=-9, reference=-1)
            for n in SIZES
        ]
        SUITES = {"mazes": TASKS, "small": {"tasks": ["maze-5"], "title": "Small mazes"}}
        """,
    )
    assert [task.env_kwargs for task in get_suite(f"{path}:mazes")] == [{"size": 5}, {"size": 9}]
    assert catalogue().families["small"].title == "Small mazes"


MISTAKES = {
    "a misspelt field": (
        table(failure_retrun="-3"),
        r"task 1 \(maze\): unknown field 'failure_retrun'; did you mean fail",
    ),
    "a field that is missing": (table(random=None), r"\(maze\) has no random; add, for example, random = -150.0"),
    "a wrong type": (table(episodes='"many"'), "episodes = 'many' is not valid; write, for example, episodes = 100"),
    "a flag for a number": (table(version="true"), "version = True is not valid"),
    "a version below 1": (table(version="0"), "version = 0 is not valid; .* a whole number from 1 on"),
    "a bad name": (table(name='"My Maze"'), "name = 'My Maze' is not valid; .* lower-case words joined by hyphens"),
    "a number of very many digits": (table(reference="1" * 400), r"reference = 1+\.\.\.1+ is not valid"),
    "an infinite bound": (table(min_return="-inf"), "min_return = -inf is not valid"),
    "bounds the wrong way round": (table(min_return="0", max_return="-200"), "min_return is below max_return; it has"),
    "a reference out of bounds": (table(max_return="-7"), "random and reference are within min_return and max_return"),
    "a reference below random": (table(reference="-61"), "random is below reference"),
    "a failure that pays": (table(failure_return="-1"), "failure_return is at most random"),
    "a limit of an unknown kind": (
        table(limits="{ think = 3 }"),
        "limits = {'think': 3} is not valid; .* load, act, run",
    ),
    "a date among arguments": (table(env_kwargs="{ day = 2026-01-01 }"), "env_kwargs = .* is not valid"),
    "the name of one of ours": (table(name='"cart-pole"', version="2"), "cart-pole is a name of rlbench's"),
    "the name of a suite of ours": (table(name='"atari"'), "atari is a suite already"),
    "a suite of ours": (table() + '[suite.atari]\ntasks = ["maze"]', "the suite atari is there already"),
    "a suite with the name of a task": (
        table() + '[suite.maze]\ntasks = ["maze"]',
        "suite 'maze' is the name of a task",
    ),
    "an unknown task in a suite": (
        table() + '[suite.all-of]\ntasks = ["mase"]',
        "unknown task 'mase'; did you mean maze",
    ),
    "an unknown field of a suite": (
        table() + '[suite.x]\ntasks = ["maze"]\ntitel = "X"',
        "unknown field 'titel'; did you",
    ),
    "two of one name": (table() + table(), "maze@1 is defined twice"),
    "an unknown table": ("[[tasks]]\nname = 'maze'", r"unknown table 'tasks'; did you mean \[\[task\]\]"),
    "single brackets": ("[task]\nname = 'maze'", r"begin each task with \[\[task\]\], in double brackets"),
    "half a file": (table()[:-9], "cannot be read as TOML"),
    "a command of one machine": (table(env_kwargs='{ opponents = ["gtp:rm"] }'), "this runs no command of one machine"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_one_line_with_the_file_and_what_to_write(what, tmp_path):
    text, message = MISTAKES[what]
    path = write(tmp_path / "maze.toml", text)
    with pytest.raises(UserError, match=message) as told:
        get_task(path)
    assert str(told.value).startswith(path)
    assert "\n" not in str(told.value)
    assert "maze" not in catalogue().suites


PYTHON_MISTAKES = {
    "it fails": ("import os\n1 / 0\n", r"fails in line 2: ZeroDivisionError"),
    "it exits": ("raise SystemExit(3)\n", r"fails in line 1: SystemExit: 3"),
    "it is no Python": ("TASKS = [\n", "fails in line 1: SyntaxError"),
    "it defines nothing": ("x = 1\n", "defines neither TASKS, a list of tasks, nor SUITES"),
    "no list": ("TASKS = 3\n", "TASKS is 3; make it a list of Task"),
    "no task": ("TASKS = ['maze']\n", r"TASKS\[0\] is 'maze'; make it a rlbench"),
    "a wrong field": (
        "from rlbench.harness.tasks.task import Task\nTASKS = [Task('maze', 1, 'x', episodes=0)]\n",
        r"TASKS\[0\] \(maze\): episodes = 0 is not valid",
    ),
}


@pytest.mark.parametrize("what", PYTHON_MISTAKES)
def test_a_mistake_in_python_is_one_line_too(what, tmp_path):
    text, message = PYTHON_MISTAKES[what]
    path = write(tmp_path / "mazes.py", text)
    with pytest.raises(UserError, match=message) as told:
        get_task(path)
    assert "\n" not in str(told.value)


def test_every_example_of_the_table_is_valid():
    for rules in (TASK_FIELDS, SUITE_FIELDS):
        for name, rule in rules.items():
            (value,) = found_in(f"{name} = {rule.example}").values()
            assert rule.fits(value), name


def found_in(text):
    from rlbench.text_files import parsed_toml

    return parsed_toml(text, "an example")


def test_a_folder_is_searched_and_a_broken_file_stops_nothing(tmp_path, monkeypatch):
    write(tmp_path / "maze.toml", table())
    write(tmp_path / "tasks.py", "from rlbench.harness.tasks.suite import TASKS as T\nTASKS = []\nSUITES = {}\n")
    write(tmp_path / "pyproject.toml", "[project]\nname = 'x'\n")
    write(tmp_path / "broken.toml", table(name='"broken"', version="0"))
    write(tmp_path / "setup.py", "raise SystemExit('never run')\n")
    monkeypatch.setenv("RLBENCH_PATH", os.pathsep.join([str(tmp_path), str(tmp_path / "nowhere"), ""]))
    assert get_task("maze").key == "maze@1"
    assert get_task("cart-pole") is TASKS["cart-pole@1"]
    known = catalogue()
    assert known.tasks.keys() - TASKS.keys() == {"maze@1"}
    assert known.sources == {"maze@1": str(tmp_path / "maze.toml")}
    broken, nowhere = known.mistakes
    assert "broken.toml, task 1 (broken): version = 0" in broken
    assert "nowhere: No such file or directory" in nowhere
    with pytest.raises(UserError, match=r"unknown task 'broken'; .*version = 0 is not valid"):
        get_task("broken")


def test_what_is_no_file_is_told_and_not_waited_for(tmp_path, monkeypatch):
    pipe, loop, empty = tmp_path / "pipe.toml", tmp_path / "loop.toml", tmp_path / "empty"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    empty.mkdir()
    words = [str(pipe), str(loop), str(empty), "~nobody-of-that-name/x.toml", "x" * 300 + ".toml"]
    monkeypatch.setenv("RLBENCH_PATH", os.pathsep.join(words))
    told = catalogue().mistakes
    assert len(told) == len(words) - 1  # an empty folder is no mistake
    assert all(each.startswith("cannot read the task file ") for each in told)
    with pytest.raises(UserError, match=r"pipe\.toml: it is no file"):
        get_task(str(pipe))


def test_a_file_is_read_again_when_it_has_changed(tmp_path, monkeypatch):
    path = tmp_path / "maze.toml"
    monkeypatch.setenv("RLBENCH_PATH", str(path))
    write(path, table())
    assert get_task("maze").episodes == 100
    write(path, table(episodes="7"))
    assert get_task("maze").episodes == 7


def test_of_two_definitions_the_first_is_kept_and_the_other_told(tmp_path, monkeypatch):
    here, there = tmp_path / "a.toml", tmp_path / "b.toml"
    write(here, table())
    write(there, table(episodes="7"))
    monkeypatch.setenv("RLBENCH_PATH", str(tmp_path))
    assert get_task("maze").episodes == 100
    (mistake,) = catalogue().mistakes
    assert mistake == f"{there}: maze@1 is defined otherwise in {here}; give it another name or version"
    with pytest.raises(UserError, match="maze@1 is defined otherwise in"):
        get_task(str(there))
    write(there, table())
    assert catalogue().mistakes == ()


def test_entry_points_make_tasks_known(tmp_path, monkeypatch):
    write(tmp_path / "maze.toml", table())
    write(
        tmp_path / "mazes_of_a_package.py",
        f"""
        from rlbench.harness.tasks.task import Task
        TASKS = [Task("packed", 1, "x", failure_return=-2, random=-1, reference=0)]
        FILE = {str(tmp_path / "maze.toml")!r}
        NOTHING = 3
        """,
    )
    metadata_of_a_package = tmp_path / "mazes-1.0.dist-info"
    metadata_of_a_package.mkdir()
    write(metadata_of_a_package / "METADATA", "Metadata-Version: 2.1\nName: mazes\nVersion: 1.0\n")
    values = ("mazes_of_a_package", "mazes_of_a_package:FILE", "mazes_of_a_package:NOTHING", "not_there")
    lines = [f"p{i} = {value}" for i, value in enumerate(values)]
    write(metadata_of_a_package / "entry_points.txt", "\n".join(["[rlbench.tasks]", *lines, ""]))
    monkeypatch.syspath_prepend(str(tmp_path))
    found.entry_points.cache_clear()  # they are looked for once in a process
    known = catalogue()
    assert known.tasks.keys() - TASKS.keys() == {"packed@1", "maze@1"}
    assert known.mistakes == (
        "the entry point p2 = mazes_of_a_package:NOTHING of mazes is neither a module nor the path of a file of tasks",
        "the entry point p3 = not_there of mazes cannot be loaded: ModuleNotFoundError: No module named 'not_there'",
    )


def test_modules_beside_a_file_can_be_imported(tmp_path):
    (tmp_path / "maze_env.py").write_text("", encoding="utf-8")
    get_task(write(tmp_path / "maze.toml", table()))
    assert sys.path[-1] == str(tmp_path)


def test_the_task_of_a_record_is_not_taken_for_a_slip_of_the_pen():
    """`kart-pole@1` is as near to `cart-pole@1` as a typing error, and is somebody's task."""
    assert get_task_of_record("cart-pole@1") is TASKS["cart-pole@1"]
    with pytest.raises(UserError, match=r"^no definition of kart-pole@1 is known here"):
        get_task_of_record("kart-pole@1")
