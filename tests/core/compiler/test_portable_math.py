"""Portable sine and cosine against those of the C library."""

import inspect
import math
from types import ModuleType

import numba
import numpy as np
import pytest

from rlbench.core.compiler import portable_math


@pytest.fixture(scope="module")
def compiled():
    """The functions, compiled as kernels have them, over arrays."""
    module = ModuleType("portable")
    exec(inspect.getsource(portable_math), vars(module))
    for name, function in list(vars(module).items()):
        if inspect.isfunction(function):
            setattr(module, name, numba.njit(error_model="numpy")(function))
    return {name: numba.vectorize("float64(float64)")(getattr(module, f"portable_{name}")) for name in ("sin", "cos")}


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_two_million_values_are_within_one_unit_in_the_last_place(compiled, name):
    rng = np.random.default_rng(0)
    spread = [rng.uniform(-bound, bound, 400_000) for bound in (0.3, 4.0, 1e3, 2.0**20)]
    near_quarters = np.arange(-200_000, 200_000) * (math.pi / 2) + rng.normal(0, 1e-9, 400_000)
    x = np.concatenate([*spread, near_quarters])
    assert len(x) == 2_000_000
    exact, ours = getattr(np, name)(x), compiled[name](x)
    library = np.array([getattr(math, name)(value) for value in x[::20].tolist()])
    assert (np.abs(ours[::20] - library) <= np.spacing(np.abs(library))).all()
    assert (np.abs(ours - exact) <= np.spacing(np.abs(exact))).all()


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_the_compiled_text_is_the_readable_one(compiled, name):
    x = np.random.default_rng(1).uniform(-100, 100, 2_000)
    plain = [getattr(portable_math, f"portable_{name}")(value) for value in x.tolist()]
    assert compiled[name](x).tolist() == plain


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_no_angle_has_no_sine(compiled, value):
    assert math.isnan(portable_math.portable_sin(value))
    assert math.isnan(portable_math.portable_cos(value))
    assert np.isnan([compiled["sin"](value), compiled["cos"](value)]).all()


def test_zero_and_tiny_angles_are_exact():
    assert [portable_math.portable_sin(x) for x in (0.0, 5e-324, 1e-300)] == [0.0, 5e-324, 1e-300]
    assert portable_math.portable_cos(0.0) == 1.0
