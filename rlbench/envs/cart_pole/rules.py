"""Cart-pole: keep a pole upright on a cart by pushing the cart left or right.

Barto, Sutton & Anderson (1983), Neuronlike adaptive elements that can solve difficult learning control problems,
without friction and with the denominator corrected by Florian (2007), Correct equations for the dynamics of the
cart-pole system, equations 23 and 24. Constants and the order of operations are those of Gymnasium's CartPole-v1, to
which a test ties these rules bit for bit.
"""

import math
from typing import Any, NamedTuple

DRAWS = (4, 0)


class State(NamedTuple):
    """Where the cart is, how the pole leans, and how fast both change."""

    x: float  # position of the cart, m, positive to the right
    x_dot: float  # m/s
    theta: float  # angle of the pole from the vertical, rad, positive leans right
    theta_dot: float  # rad/s


class Params(NamedTuple):
    """The constants of the apparatus, in SI units."""

    gravity: float = 9.8  # m/s^2
    masscart: float = 1.0  # kg
    masspole: float = 0.1  # kg
    length: float = 0.5  # half the pole's length, m
    force_mag: float = 10.0  # largest push, N
    tau: float = 0.02  # time between two actions, s
    x_threshold: float = 2.4  # the track ends here, m
    theta_threshold: float = 12 * 2 * math.pi / 360  # the pole counts as fallen, rad
    continuous: bool = False  # actions are forces in [-1, 1] times force_mag, not 0 (left) and 1 (right)


POSITIVE = (1e-30, 1e30)
PARAM_BOUNDS = dict.fromkeys(("masscart", "masspole", "length", "tau", "x_threshold", "theta_threshold"), POSITIVE)


class Options(NamedTuple):
    """The choices of a reset: every variable starts uniform in [low, high), as in Gymnasium."""

    low: float = -0.05
    high: float = 0.05


def option_bounds(params: Params) -> Options:
    """Both may lie beyond the thresholds, as in Gymnasium."""
    return Options._make([(-1e10, 1e10)] * 2)


def options_fit(options: Options, params: Params) -> bool:
    """The lower bound is not above the higher."""
    return options.low <= options.high


def valid(state: State, params: Params) -> bool:
    """Numbers whose squares are finite."""
    return max(abs(state.x), abs(state.x_dot), abs(state.theta), abs(state.theta_dot)) <= 1e10


def observation_bounds(params: Params) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The box of observations: twice the thresholds, so that the failing state still lies inside."""
    high = (2 * params.x_threshold, math.inf, 2 * params.theta_threshold, math.inf)
    return tuple(-bound for bound in high), high


def action_bounds(params: Params) -> int | tuple[tuple[float, ...], tuple[float, ...]]:
    """Two actions, push left and push right; or the force as a fraction of force_mag."""
    return ((-1.0,), (1.0,)) if params.continuous else 2


def initial(random_draws: tuple[float, ...], params: Params, options: Options) -> State:
    """Every variable uniform in [low, high)."""
    low, width = options.low, options.high - options.low
    return State(
        low + width * random_draws[0],
        low + width * random_draws[1],
        low + width * random_draws[2],
        low + width * random_draws[3],
    )


def force(action: float, params: Params) -> float:
    """The horizontal push on the cart, N."""
    if params.continuous:
        return params.force_mag * action
    return params.force_mag if action == 1 else -params.force_mag


def accelerations(state: State, push: float, params: Params) -> tuple[float, float]:
    """Florian (2007), equations 23 and 24: (x'', theta'') in m/s^2 and rad/s^2."""
    total_mass = params.masspole + params.masscart
    polemass_length = params.masspole * params.length
    cos, sin = math.cos(state.theta), math.sin(state.theta)
    temp = (push + polemass_length * (state.theta_dot * state.theta_dot) * sin) / total_mass
    theta_acc = (params.gravity * sin - cos * temp) / (
        params.length * (4.0 / 3.0 - params.masspole * (cos * cos) / total_mass)
    )
    x_acc = temp - polemass_length * theta_acc * cos / total_mass
    return x_acc, theta_acc


def transition(state: State, action: float, random_draws: tuple[float, ...], params: Params) -> State:
    """One explicit Euler step of length tau."""
    x_acc, theta_acc = accelerations(state, force(action, params), params)
    return State(
        state.x + params.tau * state.x_dot,
        state.x_dot + params.tau * x_acc,
        state.theta + params.tau * state.theta_dot,
        state.theta_dot + params.tau * theta_acc,
    )


def reward(state: State, action: float, next_state: State, params: Params) -> float:
    """1 for every step, the failing one included."""
    return 1.0


def terminated(state: State, params: Params) -> bool:
    """The cart has left the track or the pole has fallen."""
    return (
        state.x < -params.x_threshold
        or state.x > params.x_threshold
        or state.theta < -params.theta_threshold
        or state.theta > params.theta_threshold
    )


def observe(state: State, params: Params, out: Any) -> None:
    """The state itself, float32[4]."""
    out[0] = state.x
    out[1] = state.x_dot
    out[2] = state.theta
    out[3] = state.theta_dot
