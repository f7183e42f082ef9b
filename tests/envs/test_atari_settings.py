"""The emulator plays with the settings that it was given, in any locale, or says that it does not."""

import contextlib
import locale

import numpy as np
import pytest

from rlbench.envs.atari import emulator
from rlbench.envs.atari.ale_bindings import SettingsReader
from rlbench.errors import UserError
from rlbench.process import system
from rlbench.testing import same
from tests.envs.atari_games import make, make_vec

pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")


def episode(**kwargs):
    env = make("pong", **kwargs)
    rng = np.random.default_rng(3)
    return [env.reset(seed=3)[0], *(env.step(rng.integers(6))[0] for _ in range(60))]


def test_sticky_actions_are_the_same_in_every_locale(decimal_comma):
    german = episode()
    assert locale.localeconv()["decimal_point"] == ","
    locale.setlocale(locale.LC_NUMERIC, "C")
    assert same(german, episode())
    assert not same(german, episode(sticky=0.0))


def test_a_probability_that_the_emulator_does_not_take_is_refused(decimal_comma, monkeypatch):
    monkeypatch.setattr(system, "numeric_locale", contextlib.nullcontext)
    for env in (make("pong"), make_vec("pong", 2)):
        with pytest.raises(UserError, match=r"ale-py uses 0.0 as probability of sticky actions, not 0.25"):
            env.reset(seed=0)


@pytest.mark.parametrize("sticky", [0.0, 0.25, 0.1, 1 / 3, 1e-7, 0.999_999])
def test_every_probability_is_taken(sticky):
    SettingsReader().check(sticky, [0, 2**31 - 1])


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("frame_skip", 3, "uses 3 as number of frames in a step, not 4"),
        ("num_envs", 3, "uses 3 as number of games, not 2"),
        ("img_height", 80, r"uses \(4, 80, 84\) as shape of observations, not \(4, 84, 84\)"),
        ("stack_num", 2, r"uses \(2, 84, 84\) as shape of observations"),
        ("full_action_space", False, "uses 6 as number of actions, not 18"),
    ],
)
def test_another_setting_than_the_one_given_is_refused(setting, value, message, monkeypatch):
    """The emulator is told something else on its way."""
    ale_py = emulator.import_ale_py()

    class Deaf:
        ALEInterface, LoggerMode, roms = ale_py.ALEInterface, ale_py.LoggerMode, ale_py.roms

        def ALEVectorInterface(self, **kwargs):
            batch = {"batch_size": value} if setting == "num_envs" else {}
            return ale_py.ALEVectorInterface(**{**kwargs, setting: value, **batch})

    monkeypatch.setattr(emulator, "import_ale_py", Deaf)
    with pytest.raises(UserError, match=message):  # noqa: PT012  # some settings show when the game is made, some later
        envs = make_vec("pong", 2, full_actions=True)
        envs.reset(seed=0)
        envs.step(np.zeros(2, int))
