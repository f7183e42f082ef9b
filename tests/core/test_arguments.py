"""The checks of arguments, one by one, and what they share: errors of one line that name the value."""

import math
import sys
import types
from fractions import Fraction
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import pytest
from gymnasium.error import Error, InvalidAction, ResetNeeded, UnsupportedMode

import rlbench
from rlbench.core import arguments
from rlbench.core.rules import make_params
from rlbench.envs.cart_pole import rules
from rlbench.errors import ArgumentError, TooLargeError, UnexpectedArgumentError, UserError
from rlbench.testing import same
from tests.core.families import FAMILIES, make, make_sync, make_vec, require

families = pytest.mark.parametrize("family", FAMILIES)


@pytest.mark.parametrize("value", [1, 1.0, np.float16(1), np.float32(1), np.int8(1), Fraction(1)])
@pytest.mark.parametrize("bounds", [(0, 1), ()])
def test_a_number_becomes_a_float(value, bounds):
    number = arguments.number("slip", value, *bounds)
    assert (type(number), number) == (float, 1.0)


NO_NUMBERS = [True, np.bool_(True), "1", None, math.nan, math.inf, -math.inf, 1j, 10**400, [1], np.ones(1)]


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ArgumentError, match=r"gravity is a number from -1e\+30 to 1e\+30, got"):
        arguments.number("gravity", value)


@pytest.mark.parametrize("value", [True, 2.0, "2", None, 0, 9, 10**30, np.float64(2)])
def test_what_is_no_integer_within_its_bounds_is_refused(value):
    with pytest.raises(ArgumentError, match=r"size is an integer 1 to 8 \(why\), got"):
        arguments.integer("size", value, 1, 8, "why")


def test_an_integer_of_more_than_64_bits_is_refused():
    assert arguments.integer("classes", np.uint64(7), 1) == 7
    with pytest.raises(ArgumentError, match="classes is an integer of 64 bits"):
        arguments.integer("classes", 2**63, 1)


def test_the_limit_of_steps_is_gymnasiums():
    """The same values as `gymnasium.make` takes, which `test_parity` compares; here the limits themselves."""
    assert [arguments.step_limit(value) for value in (None, -1, -1.0, 10**30)] == [arguments.NO_LIMIT] * 4
    assert arguments.step_limit(True) == arguments.step_limit(1) == 1


class Params(NamedTuple):
    force: float = 1.0
    holes: int = 2
    windy: bool = False
    table: Any = None


RULES = types.SimpleNamespace(Params=Params, PARAM_BOUNDS={"holes": (1, 9)})


def test_parameters_are_of_their_declared_types():
    made = make_params(RULES, {"force": 2, "holes": np.int8(3), "windy": np.bool_(True), "table": [1]}, object)
    assert made == (2.0, 3, True, [1])
    assert [type(value) for value in made[:3]] == [float, int, bool]


@pytest.mark.parametrize("bad", [{"force": math.nan}, {"force": "1"}, {"holes": 0}, {"holes": 2.0}, {"windy": 1}])
def test_a_parameter_of_another_type_is_refused(bad):
    with pytest.raises(ArgumentError, match=f"{next(iter(bad))} is "):
        make_params(RULES, bad, object)


def test_types_that_only_checkers_know_are_not_checked():
    record = NamedTuple("Params", [("table", "NDArray[Any]")])  # noqa: F821, UP014  # a name that is not imported here
    assert make_params(types.SimpleNamespace(Params=record), {"table": 5}, object) == (5,)


@families
@pytest.mark.parametrize("maker", [make, make_vec, make_sync])
def test_an_unknown_argument_is_named_in_pythons_words(family, maker):
    """TorchRL's GymEnv tries `frameskip`, and looks for these words in a TypeError."""
    require(family)
    with pytest.raises(TypeError, match=r"got an unexpected keyword argument 'frameskip'") as refused:
        maker(family, frameskip=1)
    assert isinstance(refused.value, UnexpectedArgumentError)
    assert "\n" not in str(refused.value)


@families
@pytest.mark.parametrize("maker", [make, make_vec, make_sync])
def test_arguments_that_the_registry_fills_in_are_not_offered(family, maker):
    require(family)
    with pytest.raises(TypeError, match="; there is ") as refused:
        maker(family, zzz=1)
    offered = str(refused.value).partition("; there is ")[2].partition(" was raised")[0].split(", ")
    assert "render_mode" in offered
    assert not {"rules", "render"} & set(offered)


def test_an_unknown_argument_is_answered_with_the_nearest():
    with pytest.raises(TypeError, match="did you mean gravity"):
        make_vec("cart-pole", gravty=1)
    with pytest.raises(TypeError, match="did you mean autoreset_mode"):
        make_vec("robots", autoreset="Disabled")


@families
def test_more_environments_than_fit_are_refused_before_any_is_made(family):
    require(family)
    for num_envs in (10**12, 10**30):
        with pytest.raises(TooLargeError, match=rf"num_envs={num_envs} needs .* this machine has .* GB; take less"):
            make_vec(family, num_envs)


@pytest.mark.parametrize("kwargs", [{"size": 10**6}, {"clutter": 10**12}, {"glimpses": 10**12}])
def test_a_picture_that_does_not_fit_is_refused(kwargs):
    with pytest.raises(MemoryError, match="take less"):
        make("glimpse", **kwargs)


def test_a_maze_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(arguments, "_memory_of_machine", lambda: 100.0)
    with pytest.raises(TooLargeError, match="a maze of 16 letters needs"):
        make("grid world", maze="T.......|.......")


def test_an_exact_model_that_does_not_fit_is_refused(monkeypatch):
    env = make("grid world").unwrapped
    monkeypatch.setattr(arguments, "_memory_of_machine", lambda: 100.0)
    with pytest.raises(TooLargeError, match="the exact model of 64 states and actions needs"):
        _ = env.P


@families
def test_integers_of_numpy_count_environments(family):
    require(family)
    assert make_vec(family, np.int64(2)).num_envs == make_vec(family, np.uint8(2)).num_envs == 2


def test_none_is_the_limit_of_the_id_as_in_make():
    limits = [make_vec("cart-pole", max_episode_steps=value).unwrapped._limit for value in (None, 7, -1)]
    assert limits == [500, 7, arguments.NO_LIMIT]


@families
def test_nothing_is_rendered_before_the_first_reset(family):
    require(family)
    for maker in (make, make_vec):
        for mode in (None, "rgb_array"):
            with pytest.raises(ResetNeeded):
                maker(family, render_mode=mode).render()


@families
def test_a_batch_has_no_window(family):
    require(family)
    with pytest.raises(UnsupportedMode, match="render_mode 'human' of a batch is not one of rgb_array"):
        make_vec(family, render_mode="human")


BATCHES = [
    *(("cart-pole", name) for name in ("copy", "parallel", "autoreset_mode")),
    *(("robots", name) for name in ("threads", "autoreset_mode")),
    *(("atari", name) for name in ("threads", "autoreset_mode")),
]


@pytest.mark.parametrize(("family", "name"), BATCHES)
def test_arguments_of_batches_alone_are_checked_too(family, name):
    require(family)
    for value in ("x", 2.5, -1, [], math.nan, object()):
        with pytest.raises(ArgumentError, match=f"^{name} "):
            make_vec(family, **{name: value})


@families
def test_a_refused_reset_changes_nothing(family):
    """Bad options do not seed the streams, nor do bad seeds begin an episode."""
    require(family)
    for maker in (make, make_vec):
        env, twin = maker(family), maker(family)
        env.reset(seed=0), twin.reset(seed=0)
        for bad in ({"seed": 5, "options": {"stat": 1}}, {"seed": 5, "options": {"state": 1}}, {"seed": -1}):
            with pytest.raises((ArgumentError, Error)):
                env.reset(**bad)
        assert same(env.reset()[0], twin.reset()[0])


@families
def test_an_environment_is_used_again_after_closing_twice(family):
    require(family)
    for maker in (make, make_vec):
        env = maker(family)
        first = env.reset(seed=0)[0]
        env.close(), env.close()
        assert same(env.reset(seed=0)[0], first)
        env.step(env.action_space.sample())
        env.close()


@families
@pytest.mark.parametrize("bad", [[[1], [2, 3]], object(), np.array([None, None])])
def test_an_action_that_is_no_array_is_invalid(family, bad):
    require(family)
    for maker in (make, make_vec):
        env = maker(family)
        env.reset(seed=0)
        with pytest.raises(InvalidAction) as refused:
            env.step(bad)
        assert "\n" not in str(refused.value)


class NeedsGradient:
    """What torch's tensors that need a gradient do."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


def test_a_tensor_that_needs_a_gradient_is_an_invalid_action():
    for maker in (make, make_vec):
        env = maker("cart-pole", continuous=True)
        env.reset(seed=0)
        with pytest.raises(InvalidAction, match=r"is no array: .*requires grad"):
            env.step(NeedsGradient())


def test_the_start_is_gymnasiums_between_its_low_and_high():
    ours, theirs = make("cart-pole"), gymnasium.make("CartPole-v1")
    batch = make_vec("cart-pole", 1)
    for options in ({"low": -0.001, "high": 0.001}, {"low": 0.01}, {"high": 0.0}, {"low": 0.03, "high": 0.03}, {}):
        expected = theirs.reset(seed=5, options=options)[0]
        assert np.array_equal(ours.reset(seed=5, options=options)[0], expected)
        assert np.array_equal(batch.reset(seed=5, options=options)[0][0], expected)
    lows = make_vec("cart-pole").reset(seed=5, options={"low": [0.0, 0.04], "high": 0.04})[0]
    assert (lows[1] == np.float32(0.04)).all()
    assert (lows[0] < 0.04).all()


def test_one_value_of_an_option_is_for_all_environments():
    batch, single = make_vec("glimpse"), make("glimpse")
    first = batch.reset(seed=3, options={"image": 7})[0]["patches"][0]
    assert same(first, single.reset(seed=3, options={"image": 7})[0]["patches"])
    assert make_vec("grid world").reset(options={"state": {"row": 1, "col": [1, 2]}})[0].tolist() == [5, 6]


def test_frames_without_a_render_module_are_refused_by_name(monkeypatch):
    module = types.ModuleType("bare_rules")
    vars(module).update({name: value for name, value in vars(rules).items() if not name.startswith("__")})
    monkeypatch.setitem(sys.modules, "bare_rules", module)
    rlbench.register(rlbench.Environment("test/Bare-v0", "bare_rules", 10))
    try:
        assert gymnasium.make("test/Bare-v0").reset(seed=0)[0].shape == (4,)
        with pytest.raises(UnsupportedMode, match=r"render='render' is no module .*register the .* with render="):
            gymnasium.make("test/Bare-v0", render_mode="rgb_array")
        with pytest.raises(
            UnsupportedMode, match=r"math lacks FRAMES_PER_SECOND and render; add FRAMES_PER_SECOND = 30"
        ):
            gymnasium.make("test/Bare-v0", render="math", render_mode="rgb_array")
    finally:
        del gymnasium.registry["test/Bare-v0"]


@pytest.mark.parametrize("name", ["no_such_rules", "rlbench.no_such.rules", "", ".rules", 5])
def test_rules_that_are_nowhere_are_a_mistake_of_the_user(name):
    with pytest.raises(UserError, match="rules="):
        make("cart-pole", rules=name)


def test_what_a_rules_module_fails_to_import_is_its_own_fault(tmp_path, monkeypatch):
    (tmp_path / "broken_rules.py").write_text("import no_such_package", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        make("cart-pole", rules="broken_rules")
