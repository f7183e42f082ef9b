"""A correct environment of somebody else's, with nothing of rlbench, and ways to break it one at a time."""

import threading

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv


class Walk(gymnasium.Env):
    """A walk with gusts of wind on the line from -1 to 1."""

    metadata = {"render_modes": ["rgb_array", "ansi"], "render_fps": 10}  # noqa: RUF012  # Gymnasium declares it so

    def __init__(self, render_mode=None, gust=0.05):
        self.render_mode, self.gust = render_mode, gust
        self.observation_space = spaces.Box(-2, 2, (2,), np.float32)
        self.action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = self.np_random.uniform(-0.5, 0.5)
        return self.observe(), {}

    def step(self, action):
        if not self.action_space.contains(action):
            raise ValueError(f"no such action: {action!r}")
        self.x += 0.1 * (int(action) - 1) + self.np_random.normal(0, self.gust)
        return self.observe(), -abs(self.x), abs(self.x) > 1, False, {}

    def observe(self):
        return np.array([np.clip(self.x, -2, 2), self.gust], np.float32)

    def render(self):
        frame = np.full((20, 80, 3), 255, np.uint8)
        frame[:, int(np.clip(40 + 30 * self.x, 0, 79))] = 0
        return f"at {self.x:.3f}" if self.render_mode == "ansi" else frame


class LeavesTheSpace(Walk):
    def observe(self):
        return super().observe() + np.float32(2)


class ObservesInDoubles(Walk):
    def observe(self):
        return super().observe().astype(np.float64)


class ObservesNoShape(Walk):
    def observe(self):
        return super().observe()[:1]


class IgnoresTheSeed(Walk):
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = np.random.uniform(-0.5, 0.5)  # noqa: NPY002
        return self.observe(), {}


class SeedsForEverybody(Walk):
    """The global generator, seeded: two of these disturb each other."""

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            np.random.seed(seed % 2**32)  # noqa: NPY002
        super().reset(seed=seed)
        return self.observe(), {}

    def step(self, action):
        self.x += np.random.normal(0, self.gust)  # noqa: NPY002
        return super().step(action)


class SeedsOf32Bits(Walk):
    def reset(self, *, seed=None, options=None):
        if seed is not None and seed >= 2**32:
            raise ValueError("Seed must be between 0 and 2**32 - 1")
        return super().reset(seed=seed)


class TakesAnySeed(Walk):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None if seed is None else abs(int(seed)))


class OverwritesObservations(Walk):
    shared = np.zeros(2, np.float32)

    def observe(self):
        self.shared[:] = super().observe()
        return self.shared


class LendsItsState(Walk):
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.position = np.array([self.x, self.gust], np.float32)
        return self.position, {}

    def step(self, action):
        self.x = float(self.position[0])
        result = super().step(action)
        self.position = result[0]
        return result


class TakesAnyAction(Walk):
    def step(self, action):
        return super().step(int(np.clip(np.nan_to_num(np.ravel(action)[0]), 0, 2)) if action in (-1, 3) else action)


class MovesBeforeItChecks(Walk):
    def step(self, action):
        self.x += 0.1
        return super().step(action)


class RefusesNumPysIntegers(Walk):
    def step(self, action):
        if type(action) is not int:
            raise TypeError("an action is an int")
        return super().step(action)


class RewardsNaN(Walk):
    def step(self, action):
        result = super().step(action)
        return (result[0], float("nan"), *result[2:])


class RewardsAnArray(Walk):
    def step(self, action):
        result = super().step(action)
        return (result[0], np.array([result[1]]), *result[2:])


class EndsInIntegers(Walk):
    def step(self, action):
        result = super().step(action)
        return (*result[:2], int(result[2]), *result[3:])


class StepsLikeGym(Walk):
    def step(self, action):
        observation, reward, terminated, _, info = super().step(action)
        return observation, reward, terminated, info


class ResetsLikeGym(Walk):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0]


class RendersNothing(Walk):
    def render(self):
        return None


class RendersInGrey(Walk):
    def render(self):
        return super().render()[:, :, 0]


class RendersNoise(Walk):
    def render(self):
        return self.np_random.integers(0, 255, (20, 80, 3), np.uint8)


class MovesWhenRendered(Walk):
    def render(self):
        frame = super().render()
        self.x += 1e-3
        return frame


class Writes(Walk):
    def render(self):
        return self.write(super().render()) if self.render_mode == "ansi" else super().render()


class WritesBytes(Writes):
    def write(self, text):
        return text.encode()


class WritesBlanks(Writes):
    def write(self, text):
        return "\n"


class WritesNoise(Writes):
    def write(self, text):
        return f"{text} {self.np_random.random()}"


class MovesWhenWritten(Writes):
    def write(self, text):
        self.x = round(self.x, 3)
        return text


class TakesAnyArgument(Walk):
    def __init__(self, render_mode=None, **kwargs):
        super().__init__(render_mode)


class CannotBeCopied(Walk):
    def __init__(self, render_mode=None):
        super().__init__(render_mode)
        self.lock = threading.Lock()


class CannotBeClosedTwice(Walk):
    def close(self):
        del self.action_space


class NeedsOptions(Walk):
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = 0.3 if options is None else self.x
        return self.observe(), {}


BROKEN = {
    LeavesTheSpace: "Every observation lies in the observation space: .* is not in Box",
    ObservesInDoubles: "Every observation lies in the observation space: .* is not in Box",
    ObservesNoShape: "Every observation lies in the observation space: .* is not in Box",
    IgnoresTheSeed: "The same seed and the same actions give the same episodes.*entry 0",
    SeedsForEverybody: "The same seed and the same actions give the same episodes.*entry",
    SeedsOf32Bits: "Any non-negative integer is a seed.*ValueError: Seed must be between",
    TakesAnySeed: "a negative number, a float or a str is none: seed -1 was taken",
    OverwritesObservations: "An observation returned earlier is not overwritten",
    LendsItsState: "Writing to an observation does not change the environment",
    TakesAnyAction: "An action outside the space raises an error .*action -1 was taken",
    MovesBeforeItChecks: "An action outside the space .* a refused action has changed the state",
    RefusesNumPysIntegers: "`step` five: TypeError: an action is an int",
    RewardsNaN: "The reward is a finite number.*reward nan",
    RewardsAnArray: "The reward is a finite number.*reward array",
    EndsInIntegers: "terminated and truncated are bools.*terminated is int",
    StepsLikeGym: r"step returns \(observation, reward, terminated, truncated, info\)",
    ResetsLikeGym: r"reset returns \(observation, info\)",
    RendersNothing: 'Rendering with "rgb_array" gives uint8.*a frame is .*NoneType',
    RendersInGrey: r'Rendering with "rgb_array" gives uint8.*a frame is uint8 of \(20, 80\)',
    RendersNoise: "two frames of one state differ",
    MovesWhenRendered: "rendering has changed the state",
    WritesBytes: r'Rendering with "ansi".* gives a text.*: a text is b\'at',
    WritesBlanks: r"a text is '\\n'",
    WritesNoise: "two texts of one state differ",
    MovesWhenWritten: "writing the text has changed the state",
    TakesAnyArgument: "An unknown argument of `make` raises an error: argument 'no_such_name' was taken",
    CannotBeCopied: "An environment can be copied and pickled.*TypeError: cannot pickle",
    CannotBeClosedTwice: "An environment can be closed twice.*AttributeError",
    NeedsOptions: r"Resetting with no options is resetting with none: options=\{\} differs",
}
"""A broken environment, and what the kit says of it."""


class NumberedSteps(Walk):
    """Ends one step later than it may."""

    def reset(self, *, seed=None, options=None):
        self.count = 0
        return super().reset(seed=seed)

    def step(self, action):
        self.count += 1
        observation, reward, _, _, info = super().step(action)
        return observation, reward, False, self.count == 31, info


class Pair(gymnasium.vector.SyncVectorEnv):
    """A correct batch of one's own."""

    def __init__(self, num_envs, render_mode=None, autoreset_mode="NextStep", kind=Walk, max_episode_steps=None):
        def single():
            return gymnasium.wrappers.TimeLimit(kind(render_mode), max_episode_steps)

        super().__init__([single] * num_envs, autoreset_mode=gymnasium.vector.AutoresetMode(autoreset_mode))


class SeedsAlike(Pair):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=[seed] * self.num_envs if isinstance(seed, int) else seed, options=options)


class EndsEarly(Pair):
    def __init__(self, num_envs, max_episode_steps=None, **kwargs):
        super().__init__(num_envs, max_episode_steps=max_episode_steps - 1, **kwargs)


class SharesItsArrays(Pair):
    def __init__(self, num_envs, **kwargs):
        super().__init__(num_envs, **kwargs)
        self.copy = False


class ForgetsTheLast(Pair):
    def step(self, actions):
        *result, info = super().step(actions)
        if "final_obs" in info:
            info["final_obs"] = np.array(result[0])
        return (*result, info)


class DrawsItsOwn(Pair):
    """A correct batch that seeds no environment as a single one is seeded."""

    def reset(self, *, seed=None, options=None):
        seeds = None if seed is None else [hash((seed, i)) % 2**31 for i in range(self.num_envs)]
        return super().reset(seed=seeds, options=options)


class DrawsAnew(DrawsItsOwn):
    def reset(self, *, seed=None, options=None):
        return super().reset(
            seed=None if seed is None else seed + np.random.default_rng().integers(10**9), options=options
        )


class ObservesOutside(DrawsItsOwn):
    def step(self, actions):
        observations, *result = super().step(actions)
        return (observations + 2, *result)


class RewardsThemTogether(DrawsItsOwn):
    def step(self, actions):
        observations, rewards, *result = super().step(actions)
        return (observations, rewards.sum(), *result)


class EndsInNumbers(DrawsItsOwn):
    def step(self, actions):
        observations, rewards, terminated, *result = super().step(actions)
        return (observations, rewards, terminated.astype(np.int8), *result)


class Stronger(CartPoleVectorEnv):
    """Gymnasium's cart-poles, pushed a little harder."""

    def __init__(self, num_envs=1, max_episode_steps=500, render_mode=None):
        super().__init__(num_envs, max_episode_steps, render_mode)
        self.force_mag = 10.1


BROKEN_BATCHES = {
    SeedsAlike: "Environment i of a batch is the single one seeded `seed \\+ i`.*first observations differ",
    EndsEarly: "Environment i of a batch.*differ",
    SharesItsArrays: "Arrays returned earlier are not overwritten",
    ForgetsTheLast: "final_obs of environment . differs",
    DrawsAnew: "The same seed and the same actions give the same episodes.*first observations of seed 8 differ",
    ObservesOutside: "A batch of N returns observations in its space(.|\n)* is not in Box",
    RewardsThemTogether: "N finite rewards.*rewards are",
    EndsInNumbers: "N bools for terminated and truncated.*terminations are",
}
