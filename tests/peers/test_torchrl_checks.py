"""TorchRL makes the environments by their ids, and its checker passes."""

import pytest

from tests.peers.families import one_of_each_family

pytestmark = pytest.mark.filterwarnings("ignore")  # TorchRL warns of its own dependencies


@pytest.fixture(scope="module")
def envs():
    return pytest.importorskip("torchrl.envs", reason="pip install 'rlbench[peers]'")


PIXELS = pytest.param({"frame_skip": 2, "from_pixels": True}, marks=pytest.mark.slow, id="pixels")


@pytest.mark.parametrize("arguments", [pytest.param({}, id="plain"), PIXELS])
@one_of_each_family
def test_the_checker_passes(id, arguments, envs):
    from torchrl.envs.utils import check_env_specs

    env = envs.GymEnv(id, **arguments)
    check_env_specs(env)
    assert ("pixels" in {*env.observation_spec.keys()}) == ("from_pixels" in arguments)
    assert env.rollout(3)["next", "reward"].shape[-1] == 1
    env.close()
