"""Image classification by glimpses: say what an image shows after looking at a few small patches of it.

Mnih, Heess, Graves & Kavukcuoglu (2014), Recurrent models of visual attention, as a Markov decision process: the state
is the image and the glimpses seen so far, an action is where to look next, and the reward is 1 at the last step if the
image is classified correctly. The start shows glimpse 1, at a uniformly random location; steps 1 to T - 1 look
elsewhere; step T classifies, and ends. A location is (x, y) in [-1, 1]^2: (0, 0) is the centre, x grows to the right
and y downwards, and 1 is the edge.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rlbench.envs.glimpse.images import DRAWS_PER_IMAGE, DRAWS_PER_PIECE, paint
from rlbench.envs.glimpse.retina import retina

OBSERVE_COMPILED = True  # a glimpse of three scales is 5,000 additions
PARALLEL_FROM = 32


class State(NamedTuple):
    """A picture, and the glimpses seen of it so far."""

    image: int  # number of the image that it shows
    picture: Any  # uint8[height, width]
    path: Any  # float64[T, 2], the location of each glimpse; 0 for those to come
    step: int  # steps taken
    guess: int  # the label given at the last step; -1 before


class Params(NamedTuple):
    """An image set, the canvas, and the retina."""

    images: Any  # uint8[n, h, w]
    labels: Any  # int64[n]
    classes: int
    height: int  # of a picture, pixels
    width: int
    clutter: int  # pieces of other images
    clutter_size: int  # side of a piece, pixels
    glimpses: int  # T
    patch: int  # side of a patch, g
    scales: int  # patches per glimpse, k


class Scratch(NamedTuple):
    """Arrays that the retina works in."""

    square: Any  # uint8[s, s], the widest square
    sums: Any  # float32[k - 1, s / 2, s / 2]


class Observation(NamedTuple):
    """One glimpse."""

    patches: Any  # float32[k, g, g] in [0, 1], the finest first
    location: Any  # float32[2], (x, y)


class Action(NamedTuple):
    """Where to look next, which the last step ignores; and the label, which all steps but the last ignore."""

    location: Any  # float64[2], (x, y)
    label: Any  # int


class Options(NamedTuple):
    """The choices of a reset."""

    image: int = -1  # the image's number; drawn if negative


class Result(NamedTuple):
    """What `info` holds at the end."""

    label: int  # the right one


def configure(
    split: str = "train",
    images: Any = None,
    labels: Any = None,
    classes: int = 10,
    size: int | None = None,
    clutter: int = 0,
    clutter_size: int = 8,
    glimpses: int = 6,
    patch: int = 8,
    scales: int = 1,
) -> Params:
    """The parameters for a split of MNIST, or for any images uint8[n, h, w] with labels, integers 0 to classes - 1.

    `size` is the side of a square canvas; by default an image is its own canvas. ValueError for what cannot be.
    """
    from rlbench.core.arguments import check_memory, integer
    from rlbench.envs.glimpse import config

    classes = integer("classes", classes, 1)
    images, labels = config.image_set(split, images, labels, classes)
    height, width = config.canvas(size, images)
    number, side = config.pieces(clutter, clutter_size, images)
    glimpses = integer("glimpses", glimpses, 1)
    needed = height * width + 8 * (DRAWS_PER_PIECE * number + 2 * glimpses)
    check_memory(f"size={size} with clutter={clutter} and glimpses={glimpses}", needed)
    patch, scales = config.squares(patch, scales, height, width)
    return Params(images, labels, classes, height, width, number, side, glimpses, patch, scales)


def observation_bounds(params: Params) -> Observation:
    """Brightness in [0, 1], location in [-1, 1]."""
    shape = (params.scales, params.patch, params.patch)
    return Observation((np.zeros(shape), np.ones(shape)), ((-1.0, -1.0), (1.0, 1.0)))


def action_bounds(params: Params) -> Action:
    """A location in [-1, 1]^2 and a label."""
    return Action(((-1.0, -1.0), (1.0, 1.0)), params.classes)


def option_bounds(params: Params) -> Options:
    """As many images as there are."""
    return Options(len(params.images))


def draws(params: Params) -> tuple[int, int]:
    """The image, the first location, the image's place, and the clutter."""
    return 3 + DRAWS_PER_IMAGE + DRAWS_PER_PIECE * params.clutter, 0


def valid(state: State, params: Params) -> bool:
    """The image is there, locations are in [-1, 1]^2, and step and guess agree."""
    return bool(
        0 <= state.image < len(params.images)
        and (abs(state.path) <= 1.0).all()
        and 0 <= state.step <= params.glimpses
        and (0 <= state.guess < params.classes if state.step == params.glimpses else state.guess == -1)
    )


def blank(params: Params) -> State:
    """A state that holds the arrays."""
    return State(0, np.zeros((params.height, params.width), np.uint8), np.zeros((params.glimpses, 2)), 0, -1)


def scratch(params: Params) -> Scratch:
    """The widest square, and its sums."""
    side = params.patch << (params.scales - 1)
    return Scratch(np.zeros((side, side), np.uint8), np.zeros((params.scales - 1, side // 2, side // 2), np.float32))


def initial(random_draws: Any, params: Params, options: Options, blank: State) -> State:
    """A picture, and the location of the first glimpse; all uniform."""
    image = options.image if options.image >= 0 else int(random_draws[0] * len(params.images))
    paint(random_draws, 3, params.images, image, params.clutter, params.clutter_size, blank.picture)
    blank.path.fill(0.0)
    blank.path[0, 0] = 2.0 * random_draws[1] - 1.0
    blank.path[0, 1] = 2.0 * random_draws[2] - 1.0
    return State(image, blank.picture, blank.path, 0, -1)


def transition(state: State, action: Action, random_draws: Any, params: Params, scratch: Scratch) -> State:
    """Look elsewhere, or classify."""
    step = state.step + 1
    if step == params.glimpses:
        return State(state.image, state.picture, state.path, step, action.label)
    state.path[step, 0] = action.location[0]
    state.path[step, 1] = action.location[1]
    return State(state.image, state.picture, state.path, step, -1)


def reward(state: State, action: Action, next_state: State, params: Params) -> float:
    """1 for the right label at the last step."""
    if next_state.guess < 0:  # not yet
        return 0.0
    return 1.0 if next_state.guess == params.labels[next_state.image] else 0.0


def terminated(state: State, params: Params) -> bool:
    """The image has been classified."""
    return state.step == params.glimpses


def result(state: State, params: Params) -> Result:
    """The right label."""
    return Result(int(params.labels[state.image]))


def observe(state: State, params: Params, out: Observation, scratch: Scratch) -> None:
    """The glimpse at the last location, after the last step too."""
    last = min(state.step, params.glimpses - 1)
    x, y = state.path[last, 0], state.path[last, 1]
    retina(state.picture, x, y, scratch.square, scratch.sums, out.patches)
    out.location[0] = x
    out.location[1] = y
