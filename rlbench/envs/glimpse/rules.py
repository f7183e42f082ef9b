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

from rlbench.envs.glimpse.images import picture, scatter
from rlbench.envs.glimpse.retina import corner, pool


class State(NamedTuple):
    """What the picture is made of, and the glimpses seen so far."""

    image: int  # the image's number
    top: int  # its first row on the canvas
    left: int  # its first column
    clutter: Any  # int64[n, 5], see images.scatter
    path: Any  # float64[T, 2], the location of each glimpse; 0 for those to come
    step: int  # steps taken
    guess: int  # the label given at the last step; -1 before


class Params(NamedTuple):
    """An image set, the canvas, and the retina."""

    images: Any  # uint8[n, h, w]
    labels: Any  # int64[n]
    classes: int
    height: int  # of the canvas, pixels
    width: int
    clutter: int  # pieces of other images
    clutter_size: int  # side of a piece, pixels
    glimpses: int  # T
    patch: int  # side of a patch, g
    scales: int  # patches per glimpse, k


class Observation(NamedTuple):
    """One glimpse."""

    patches: Any  # float32[k, g, g] in [0, 1], the finest first
    location: Any  # float32[2], (x, y)


class Action(NamedTuple):
    """Where to look next, and what the image shows; the one is ignored at the last step, the other before it."""

    location: Any  # float64[2], (x, y)
    label: Any  # int


class Options(NamedTuple):
    """What a reset may choose."""

    image: int = -1  # the image's number; drawn if negative


class Result(NamedTuple):
    """What is told at the end."""

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

    `size` is the canvas' side, by default the image itself. UserError for what cannot be.
    """
    from rlbench.envs.glimpse.configure import checked

    return Params(*checked(split, images, labels, classes, size, clutter, clutter_size, glimpses, patch, scales))


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
    """The image, the first location, the image's place, and five numbers per piece of clutter."""
    return 5 + 5 * params.clutter, 0


def valid(state: State, params: Params) -> bool:
    """Everything lies within its images and the canvas, and the steps and the guess agree."""
    ...


def initial(noise: Any, params: Params, options: Options) -> State:
    """A picture, and the location of the first glimpse; all uniform."""
    count, rows, cols = params.images.shape
    image = options.image if options.image >= 0 else int(noise[0] * count)
    path = np.zeros((params.glimpses, 2))
    path[0, 0] = 2.0 * noise[1] - 1.0
    path[0, 1] = 2.0 * noise[2] - 1.0
    top = int(noise[3] * (params.height - rows + 1))
    left = int(noise[4] * (params.width - cols + 1))
    clutter = np.empty((params.clutter, 5), np.int64)
    scatter(noise, 5, image, params.images, params.clutter_size, params.height, params.width, clutter)
    return State(image, top, left, clutter, path, 0, -1)


def transition(state: State, action: Action, noise: Any, params: Params) -> State:
    """Look elsewhere, or classify."""
    step = state.step + 1
    if step == params.glimpses:
        return State(state.image, state.top, state.left, state.clutter, state.path, step, action.label)
    state.path[step, 0] = action.location[0]
    state.path[step, 1] = action.location[1]
    return State(state.image, state.top, state.left, state.clutter, state.path, step, -1)


def reward(state: State, action: Action, next_state: State, params: Params) -> float:
    """1 for the right label at the last step."""
    return 1.0 if next_state.guess == params.labels[next_state.image] else 0.0


def terminated(state: State, params: Params) -> bool:
    """The image has been classified."""
    return state.step == params.glimpses


def result(state: State, params: Params) -> Result:
    """The right label."""
    return Result(int(params.labels[state.image]))


def observe(state: State, params: Params, out: Observation) -> None:
    """The glimpse at the last location, after the last step too."""
    x, y = state.path[min(state.step, params.glimpses - 1)]
    glimpse(state, x, y, params, out.patches)
    out.location[0] = x
    out.location[1] = y


def glimpse(state: State, x: float, y: float, params: Params, out: Any) -> None:
    """The patches at a location, float32[k, g, g]: the widest square is painted, each patch taken from it."""
    widest = params.patch << (params.scales - 1)
    top, left = corner(y, params.height, widest), corner(x, params.width, widest)
    view = out[0] if params.scales == 1 else np.empty((widest, widest), np.float32)
    picture(state.image, state.top, state.left, params.images, state.clutter, params.clutter_size, (top, left), view)
    for k in range(params.scales):
        side = params.patch << k
        pool(view, corner(y, params.height, side) - top, corner(x, params.width, side) - left, k, out[k])
