"""The conformance kit accepts a correct environment of anybody's, and names what is wrong with a broken one."""

import subprocess
import sys

import gymnasium
import pytest

from rlbench.testing import ConformanceError, check_env, check_vector_env
from tests.conformance import walk

PEERS = ("CartPole-v1", "MountainCar-v0", "Pendulum-v1", "Blackjack-v1", "CliffWalking-v1", "FrozenLake-v1", "Taxi-v4")


@pytest.fixture
def registered():
    """A function that registers an environment, and a batch of it, under the id test/Walk-v0."""

    def register(entry_point, **kwargs):
        arguments = {"disable_env_checker": True, "max_episode_steps": 30, **kwargs}
        gymnasium.register("test/Walk-v0", entry_point, **arguments)

    yield register
    del gymnasium.registry["test/Walk-v0"]


@pytest.mark.parametrize("arguments", [{}, {"order_enforce": False}, {"max_episode_steps": None}])
def test_a_correct_environment_is_accepted(registered, arguments):
    registered(walk.Walk, **arguments)
    check_env("test/Walk-v0")
    check_env("test/Walk-v0", gust=0.0)
    check_vector_env("test/Walk-v0")


def test_one_without_frames_and_by_a_local_class_is_accepted(registered):
    class Local(walk.Walk):
        metadata = {"render_modes": []}  # noqa: RUF012

    registered(lambda **kwargs: Local(**kwargs), disable_env_checker=False)
    check_env("test/Walk-v0")
    check_vector_env("test/Walk-v0")


@pytest.mark.parametrize("maze", [".T.|TST|.T.", "TST"])
def test_episodes_of_one_step_are_accepted(maze):
    """Beside each start is an end, so many episodes are over after one step."""
    check_env("rlbench/GridWorld-v0", maze=maze)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", PEERS)
def test_gymnasiums_own_are_accepted(id):
    pytest.importorskip("pygame", reason="Gymnasium draws with it")
    check_env(id)


@pytest.mark.parametrize(("broken", "message"), walk.BROKEN.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_what_is_wrong_is_named(broken, message, registered):
    registered(broken)
    with pytest.raises(ConformanceError, match=f"^test/Walk-v0: .*{message}") as caught:
        check_env("test/Walk-v0")
    assert isinstance(caught.value, AssertionError)


def test_a_time_limit_that_does_not_hold_is_named(registered, monkeypatch):
    registered(walk.NumberedSteps, max_episode_steps=None)
    gymnasium.registry["test/Walk-v0"].kwargs.clear()
    make = gymnasium.make

    def with_a_false_limit(*args, **kwargs):
        env = make(*args, **kwargs)
        env.unwrapped.spec.max_episode_steps = 30
        return env

    monkeypatch.setattr(gymnasium, "make", with_a_false_limit)
    with pytest.raises(ConformanceError, match="an episode is longer than 30"):
        check_env("test/Walk-v0")


def test_a_correct_batch_is_accepted(registered):
    registered(walk.Walk, vector_entry_point=walk.Pair)
    check_vector_env("test/Walk-v0")


def test_a_batch_that_seeds_its_environments_otherwise_is_accepted_unless_more_is_promised(registered):
    registered(walk.Walk, vector_entry_point=walk.DrawsItsOwn)
    check_vector_env("test/Walk-v0")
    with pytest.raises(ConformanceError, match="first observations differ"):
        check_vector_env("test/Walk-v0", strict=True)


def test_gymnasiums_own_batch_is_accepted_and_one_of_another_force_is_not(registered):
    """Its rewards are float32, and it draws all starts from one generator."""
    check_vector_env("CartPole-v1")
    registered("gymnasium.envs.classic_control:CartPoleEnv", vector_entry_point=walk.Stronger)
    with pytest.raises(ConformanceError, match=r"Environment i of a batch is the single one.*observations differ"):
        check_vector_env("test/Walk-v0")


@pytest.mark.parametrize(
    ("broken", "message"), walk.BROKEN_BATCHES.items(), ids=lambda one: getattr(one, "__name__", "")
)
def test_what_is_wrong_with_a_batch_is_named(broken, message, registered):
    registered(walk.Walk, vector_entry_point=broken)
    with pytest.raises(ConformanceError, match=message):
        check_vector_env("test/Walk-v0")


def test_more_is_asked_where_it_is_promised(registered):
    registered(walk.Walk)
    with pytest.raises(ConformanceError, match="seed True was taken"):
        check_env("test/Walk-v0", strict=True)
    with pytest.raises(ConformanceError, match="seed True was taken"):
        check_vector_env("test/Walk-v0", strict=True)


def test_a_wrong_id_or_argument_is_the_callers_mistake():
    with pytest.raises(gymnasium.error.NameNotFound):
        check_env("rlbench/Nothing-v0")
    with pytest.raises(TypeError, match="no_such"):
        check_env("rlbench/CartPole-v0", no_such=1)


def test_nothing_is_passed_over_without_asserts():
    """As with `python -O`, which leaves out every `assert`."""
    program = (
        "import gymnasium; from tests.conformance import walk; from rlbench.testing import check_env\n"
        "for broken in walk.BROKEN:\n"
        "    gymnasium.register(f'test/{broken.__name__}-v0', broken, disable_env_checker=True, max_episode_steps=30)\n"
        "    try: check_env(f'test/{broken.__name__}-v0')\n"
        "    except AssertionError: continue\n"
        "    raise SystemExit(f'{broken.__name__} passes')\n"
        "print('all are named', __debug__)"
    )
    done = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, text=True, encoding="utf-8")
    assert done.stdout == "all are named False\n", done.stderr
