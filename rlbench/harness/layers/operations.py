"""The operations that a graph is made of, in NumPy: what each computes, its attributes and its tensors.

Attributes and tensors have the names of torch's modules, where there is one. Arrays are [N, ...] over N environments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Attributes = Mapping[str, Any]
Tensors = Mapping[str, Array]
Shapes = Mapping[str, tuple[int, ...]]


class Operation(NamedTuple):
    """One kind of node."""

    run: Callable[..., Array]
    """(attributes, tensors, *inputs) -> output."""

    attributes: Mapping[str, str] = {}
    """Its attributes, all of them required, and the kind of each: see `graph.KINDS`."""

    tensors: Callable[[Attributes], Shapes] = lambda a: {}
    """Shapes of its tensors."""

    inputs: int | None = 1
    """How many; None for one or more."""

    keeps_shape: bool = False
    """Whether inputs and output have one shape."""

    takes_integers: bool = False
    """Whether it takes an observation's integers as they are; the others take float32."""

    prepare: Callable[[Tensors], Tensors] = lambda w: w
    """What `run` takes as tensors, made of them once."""

    scratch: Callable[[Attributes, tuple[int, ...]], int] = lambda a, shape: 0
    """(attributes, shape of the input without N) -> numbers per environment that it needs besides its output."""


def linear(a: Attributes, w: Tensors, x: Array) -> Array:
    """Affine map, x[N, in_features] -> [N, out_features]."""
    y: Array = x @ w["weight"].T
    return y + w["bias"] if a["bias"] else y


def conv2d(a: Attributes, w: Tensors, x: Array) -> Array:
    """Cross-correlation, x[N, C, H, W] -> [N, O, h, w]: one matrix product over windows with the channels last."""
    x, k, p = x.transpose(0, 2, 3, 1), a["kernel_size"], a["padding"]
    if p:
        N, height, width, C = x.shape
        padded = np.zeros((N, height + 2 * p, width + 2 * p, C), x.dtype)
        padded[:, p:-p, p:-p] = x
        x = padded
    windows = _windows(x, k, a["stride"])
    N, height, width, *_, C = windows.shape
    y: Array = windows.reshape(N * height * width, k * k * C) @ w["columns"]
    y = y.reshape(N, height, width, len(w["weight"]))
    if a["bias"]:
        y = y + w["bias"]
    return y.transpose(0, 3, 1, 2)


def _windows(x: Array, k: int, stride: int) -> Array:
    """The windows of k x k points of x[N, H, W, C], [N, h, w, k, k, C]: a view, made without NumPy's slow checks."""
    N, height, width, C = x.shape
    if height < k or width < k:
        raise ValueError("the windows are larger than the input")
    n, down, right, c = x.strides
    shape = (N, (height - k) // stride + 1, (width - k) // stride + 1, k, k, C)
    return np.lib.stride_tricks.as_strided(x, shape, (n, stride * down, stride * right, down, right, c))


def _filters_as_columns(w: Tensors) -> Tensors:
    """The filters as the columns of a matrix, [k k C, O], beside the bias."""
    weight = w["weight"]
    return {**w, "columns": weight.transpose(2, 3, 1, 0).reshape(-1, len(weight))}


def _conv2d_scratch(a: Attributes, shape: tuple[int, ...]) -> int:
    """Numbers of the padded input x[C, H, W] and of its windows."""
    C, k = shape[0], int(a["kernel_size"])
    padded = [side + 2 * a["padding"] for side in shape[1:]]
    windows = [(side - k) // a["stride"] + 1 for side in padded]
    return int(C * math.prod(padded) + C * k * k * math.prod(windows))


def batch_norm(a: Attributes, w: Tensors, x: Array) -> Array:
    """Batch normalization by the running statistics of training, x[N, C, H, W]."""
    mean, variance, weight, bias = (
        w[name][:, None, None] for name in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(variance + np.float32(a["eps"])) * weight + bias


def layer_norm(a: Attributes, w: Tensors, x: Array) -> Array:
    """Layer normalization over the last axes, x[N, ..., *normalized_shape]."""
    axes = tuple(range(-len(a["normalized_shape"]), 0))
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    y: Array = centred / np.sqrt(variance + np.float32(a["eps"])) * w["weight"] + w["bias"]
    return y


def normalize(a: Attributes, w: Tensors, x: Array) -> Array:
    """(x - shift) * scale, x[N, D], cut to +-clip where clip is not 0."""
    y = (x - w["shift"]) * w["scale"]
    return y.clip(-a["clip"], a["clip"]) if a["clip"] else y


def to_box(a: Attributes, w: Tensors, x: Array) -> Array:
    """Actions x[N, A] in the units of a box, -1 and 1 being its bounds low and high; what lies beyond is cut."""
    low, high = w["low"], w["high"]
    y: Array = (low + (x + 1) / 2 * (high - low)).clip(low, high).astype(np.float32)
    return y


def one_hot(a: Attributes, w: Tensors, x: Array) -> Array:
    """State x[N], one of num_classes -> [N, num_classes]."""
    y = np.zeros((len(x), a["num_classes"]), np.float32)
    y[np.arange(len(x)), x] = 1
    return y


def softmax(a: Attributes, w: Tensors, x: Array) -> Array:
    """Probabilities of logits x[N, A]."""
    p: Array = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p


def previous(a: Attributes, w: Tensors) -> Array:
    """Recurrent state: what the node `of` was at the step before, zeros where an episode begins."""
    raise NotImplementedError("the player remembers it")


def _bias(a: Attributes, outputs: int) -> Shapes:
    return {"bias": (outputs,)} if a["bias"] else {}


def _conv2d_tensors(a: Attributes) -> Shapes:
    weight = (a["out_channels"], a["in_channels"], a["kernel_size"], a["kernel_size"])
    return {"weight": weight, **_bias(a, a["out_channels"])}


def _per_feature(*names: str) -> Callable[[Attributes], Shapes]:
    return lambda a: dict.fromkeys(names, (a["num_features"],))


OPERATIONS: dict[str, Operation] = {
    "linear": Operation(
        linear,
        {"in_features": "size", "out_features": "size", "bias": "flag"},
        lambda a: {"weight": (a["out_features"], a["in_features"]), **_bias(a, a["out_features"])},
    ),
    "conv2d": Operation(
        conv2d,
        dict.fromkeys(("in_channels", "out_channels", "kernel_size", "stride"), "size")
        | {"padding": "count", "bias": "flag"},
        _conv2d_tensors,
        prepare=_filters_as_columns,
        scratch=_conv2d_scratch,
    ),
    "batch_norm": Operation(
        batch_norm,
        {"num_features": "size", "eps": "nonnegative"},
        _per_feature("weight", "bias", "running_mean", "running_var"),
        keeps_shape=True,
    ),
    "layer_norm": Operation(
        layer_norm,
        {"normalized_shape": "shape", "eps": "nonnegative"},
        lambda a: dict.fromkeys(("weight", "bias"), tuple(a["normalized_shape"])),
        keeps_shape=True,
    ),
    "normalize": Operation(
        normalize, {"num_features": "size", "clip": "number"}, _per_feature("shift", "scale"), keeps_shape=True
    ),
    "to_box": Operation(to_box, {"num_features": "size"}, _per_feature("low", "high"), keeps_shape=True),
    "embedding": Operation(
        lambda a, w, x: w["weight"][x],
        {"num_embeddings": "size", "embedding_dim": "size"},
        lambda a: {"weight": (a["num_embeddings"], a["embedding_dim"])},
        takes_integers=True,
    ),
    "one_hot": Operation(one_hot, {"num_classes": "size"}, takes_integers=True),
    "scale": Operation(lambda a, w, x: x * np.float32(a["factor"]), {"factor": "number"}),
    "relu": Operation(lambda a, w, x: np.maximum(x, 0)),
    "tanh": Operation(lambda a, w, x: np.tanh(x)),
    "softmax": Operation(softmax),
    "max": Operation(lambda a, w, x: x.max(axis=1)),
    "flatten": Operation(lambda a, w, x: x.reshape(len(x), math.prod(x.shape[1:]))),
    "add": Operation(lambda a, w, *x: sum(x[1:], start=x[0]), inputs=None, keeps_shape=True),
    "concatenate": Operation(lambda a, w, *x: np.concatenate(x, axis=1), inputs=None),
    "previous": Operation(previous, {"of": "name", "shape": "shape"}, inputs=0),
}
