"""Policies of stable-baselines3 and sb3-contrib, from the zip file that `model.save` writes.

The policy alone is built, by its class and arguments as they are stored, so that the algorithm need not be known and
neither an environment nor a replay buffer is made. Its own `predict` clips actions, scales squashed ones back, and
moves the channels of images. Some of what is stored is a pickle: import this in the agent's process only.
"""

from __future__ import annotations

import inspect
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.save_util import load_from_zip_file
from stable_baselines3.common.utils import set_random_seed

from rlbench.harness.adapters.actions import refuse_others
from rlbench.harness.adapters.folder import SB3Settings

WEIGHTS = "policy.pth"
OF_TRAINING = (
    *("lr_schedule", "clip_range", "clip_range_vf", "exploration_schedule", "replay_buffer_class"),
    *("rollout_buffer_class", "ep_info_buffer", "ep_success_buffer", "train_freq", "action_noise"),
    *("_last_obs", "_last_original_obs", "_last_episode_starts"),
)
"""What is stored for training alone: it is not unpickled, which another version of Python might fail to do."""


class NoOptimizer:
    """Stands in for the optimizer that every policy makes: the first one of torch costs a second of imports."""

    def __init__(self, parameters: Any, **settings: Any) -> None: ...


class SB3Agent:
    """A policy, and the statistics by which observations are normalised, if any."""

    def __init__(self, policy: Any, normalizer: Any, deterministic: bool) -> None:
        self.policy, self.normalizer, self.deterministic = policy, normalizer, deterministic
        self.state: Any = None  # of a recurrent policy, [layers, N, units] each
        self.masked = "action_masks" in inspect.signature(policy.predict).parameters

    def act(self, observation: Any, first: NDArray[np.bool_]) -> NDArray[Any]:
        """Actions [N, ...]; a recurrent policy forgets where `first` [N] is true."""
        masks = {"action_masks": observation["action_mask"].astype(bool)} if self.masked else {}
        if self.normalizer is not None:
            observation = self.normalizer.normalize_obs(observation)
        action, self.state = self.policy.predict(
            observation, self.state, episode_start=first, deterministic=self.deterministic, **masks
        )
        return np.asarray(action)


def load(folder: str, settings: SB3Settings, spaces: Any, seed: int, device: str) -> SB3Agent:
    """The agent of a folder.

    Raises:
        ValueError: The file is no model, or the model is for other spaces.
    """
    set_random_seed(seed)
    policy = load_policy(Path(folder, settings.model), device)
    refuse_others("observations", policy.observation_space, spaces.observation)
    refuse_others("actions", policy.action_space, spaces.action)
    return SB3Agent(policy, load_normalizer(Path(folder, settings.normalization)), settings.deterministic)


def load_policy(path: Path, device: str = "cpu") -> Any:
    """The policy in a model's file."""
    with zipfile.ZipFile(path) as archive:
        if not {"data", WEIGHTS} <= set(archive.namelist()):
            raise ValueError(f"{path.name} is no model of stable-baselines3: it has no {WEIGHTS}")
    data, parameters, _ = load_from_zip_file(path, device=device, custom_objects=dict.fromkeys(OF_TRAINING))
    if not data or "policy_class" not in data:
        raise ValueError(f"{path.name} does not say of which class its policy is, or the class cannot be imported")
    make, keywords = data["policy_class"], dict(data.get("policy_kwargs") or {})
    keywords.pop("device", None)
    accepted = inspect.signature(make).parameters
    if "use_sde" in accepted:
        keywords.setdefault("use_sde", data.get("use_sde", False))
    if "optimizer_class" in accepted:
        keywords["optimizer_class"] = NoOptimizer
    policy = make(data["observation_space"], data["action_space"], lambda progress: 0.0, **keywords)
    policy.load_state_dict(parameters["policy"])
    policy.to(device).set_training_mode(False)
    return policy


def load_normalizer(path: Path) -> Any:
    """The VecNormalize in a file, with its statistics as they are; None where there is no file."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        normalizer = pickle.load(file)
    if not hasattr(normalizer, "normalize_obs"):
        raise TypeError(f"{path.name} holds {type(normalizer).__name__}, not what VecNormalize.save wrote")
    return normalizer
