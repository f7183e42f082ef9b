"""Environments by name: spellings, modules and entry points that register, and what is wrong with them in one line."""

import re
import sys
from importlib import metadata

import gymnasium
import pytest

import rlbench
from rlbench import cli, environments
from rlbench.environments import find, find_id
from rlbench.errors import UserError


@pytest.mark.parametrize(
    "name", ["GridWorld", "gridworld", "rlbench/GridWorld-v0", "GRIDWORLD-V0", "rlbench/gridworld", "rlbench/GridWorld"]
)
def test_names_are_understood(name):
    assert find_id(name) == "rlbench/GridWorld-v0"


def test_the_newest_version_is_meant():
    known = ["rlbench/Go-v1", "rlbench/Go-v10", "rlbench/Go-v2"]
    assert find_id("go", known) == "rlbench/Go-v10"
    assert find_id("Go-v1", known) == "rlbench/Go-v1"


@pytest.mark.parametrize("known", [["CartPole-v0", "CartPole-v1", "rlbench/CartPole-v0", "other/CartPole-v0"]])
def test_the_exact_id_comes_before_all_others(known):
    for env_id in known:
        assert find_id(env_id, known) == find_id(env_id, known[::-1]) == env_id
    assert find_id("rlbench/cartpole", known) == "rlbench/CartPole-v0"
    assert find_id("CartPole", known) == "CartPole-v1"
    with pytest.raises(UserError, match="unknown environment ''"):
        find_id("", known)


@pytest.mark.parametrize(
    ("name", "env_id"),
    [
        ("MountainCar-v0", "MountainCar-v0"),
        ("mountaincar", "MountainCar-v0"),
        ("CartPole", "rlbench/CartPole-v0"),
        ("CartPole-v1", "CartPole-v1"),
        ("gymnasium:CartPole-v1", "CartPole-v1"),
        ("rlbench:rlbench/GridWorld-v0", "rlbench/GridWorld-v0"),
    ],
)
def test_gymnasium_s_ids_are_known_and_need_no_module(name, env_id):
    assert find(name) == (env_id, {})
    assert environments.registered(name if ":" in name else env_id) == env_id


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """The registry, modules and search path as they were, and no entry points but those of a test."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    before, modules = set(gymnasium.registry), set(sys.modules)
    environments.load_packages.cache_clear()
    yield
    environments.load_packages.cache_clear()
    for env_id in set(gymnasium.registry) - before:
        del gymnasium.registry[env_id]
    for name in [name for name in sys.modules if name.startswith("own_") and name not in modules]:
        del sys.modules[name]


REGISTERS = "import gymnasium\ngymnasium.register('own/Car-v0', 'gymnasium.envs.classic_control:MountainCarEnv')\n"


def test_a_module_of_the_working_folder_registers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_car.py").write_text(REGISTERS, encoding="utf-8")
    assert find("own_car:own/Car-v0") == ("own_car:own/Car-v0", {})
    assert find("car") == find("own/Car-v0") == ("own_car:own/Car-v0", {})  # a new process needs the module
    assert environments.spec("own_car:own/Car-v0").id == "own/Car-v0"
    envs = environments.make_vec("own_car:own/Car-v0", 2, gymnasium.vector.AutoresetMode.SAME_STEP)
    assert envs.metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.SAME_STEP


WRONG_MODULES = {
    "own_none:own/Car-v0": (
        None,
        "cannot import own_none, which own_none:own/Car-v0 names: there is no such module; install it",
    ),
    "../own:own/Car-v0": (None, "'../own', which '../own:own/Car-v0' names, is no name of a module"),
    "own_a:own/Van-v0": (
        REGISTERS,
        "unknown environment 'own/Van-v0', which own_a does not register; did you mean own/Car-v0?",
    ),
    "own_b:own/Car-v0": ("import own_gone", "No module named 'own_gone' (FOLDER/own_b.py, line 1); install that"),
    "own_c:own/Car-v0": ("x = 1\nx.y", "AttributeError: 'int' object has no attribute 'y' (FOLDER/own_c.py, line 2)"),
    "own_d:own/Car-v0": ("def :", "SyntaxError: invalid syntax (FOLDER/own_d.py, line 1); mend it"),
    "own_e:own/Car-v0": ("raise SystemExit('no\\ngo')", "SystemExit: no go (FOLDER/own_e.py, line 1)"),
}


@pytest.mark.parametrize("name", WRONG_MODULES)
def test_a_module_that_is_wrong_is_one_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, message = WRONG_MODULES[name]
    if text is not None:
        (tmp_path / f"{name.partition(':')[0]}.py").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        find(name)
    assert message.replace("FOLDER", str(tmp_path)) in str(raised.value)
    assert "\n" not in str(raised.value)


def entry_points(monkeypatch, **values):
    listed = metadata.EntryPoints(metadata.EntryPoint(k, v, environments.GROUP) for k, v in values.items())
    monkeypatch.setattr(metadata, "entry_points", lambda group: listed.select(group=group))


def test_entry_points_register_when_a_name_is_not_known_and_a_broken_one_stops_no_other(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_module.py").write_text(REGISTERS.replace("Car", "Bike"), encoding="utf-8")
    function = REGISTERS.replace("\ngym", "\ndef declare():\n    gym").replace("Car-v0'", "Van-v1'")
    (tmp_path / "own_function.py").write_text(function, encoding="utf-8")
    entry_points(monkeypatch, a="own_absent", b="own_function:declare", c="own_function:missing", d="own_module")
    assert find("CartPole").id == "rlbench/CartPole-v0"
    assert "own_module" not in sys.modules  # not loaded for a name that is known
    assert find("own/Bike-v0") == ("own/Bike-v0", {})
    assert find("VAN") == ("own/Van-v1", {})
    assert set(environments.of_packages()) == {"own/Bike-v0", "own/Van-v1"}
    absent, missing = environments.load_packages()
    assert re.match(r"the entry point a = own_absent of a cannot be loaded: .*No module named 'own_absent'", absent)
    assert "c = own_function:missing" in missing
    with pytest.raises(UserError, match=r"unknown environment 'own/Bus'.*own_absent.*own_function:missing"):
        find("own/Bus")


def test_the_list_of_environments_has_those_of_packages_and_names_what_is_broken(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_list.py").write_text(REGISTERS.replace("Car", "Tram"), encoding="utf-8")
    entry_points(monkeypatch, a="own_absent", b="own_list")
    assert cli.main(["list", "envs", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert "own/Tram-v0" in out.split()
    assert re.fullmatch(r"left out: the entry point a = own_absent of a cannot be loaded: .*\n", err)


def test_what_is_no_row_is_not_registered():
    with pytest.raises(TypeError, match=r"register takes an rlbench\.Environment, got 3"):
        rlbench.register(3)
