"""Sine and cosine as plain arithmetic, for machines whose C library has others, or none.

The polynomials are those of fdlibm 5.3 (Sun Microsystems 1993), k_sin.c and k_cos.c; the angle is reduced as by Cody &
Waite (1980), Software manual for the elementary functions, with pi / 2 in three parts. Results are within one unit in
the last place of the exact ones where |x| < 2^20, far beyond any angle of a rules module; beyond that the reduction
loses digits. All is IEEE addition and multiplication, so that every machine which does not contract them gives the same
bits.
"""

from __future__ import annotations

import math


def portable_sin(x: float) -> float:
    """sin(x), |x| < 2^20."""
    if not abs(x) < math.inf:
        return math.nan
    turns = math.floor(x * 0.6366197723675814 + 0.5)  # quarter turns: x / (pi / 2), rounded
    high, low = reduced(x, float(turns))
    quadrant = int(turns) & 3
    value = kernel_sin(high, low) if quadrant & 1 == 0 else kernel_cos(high, low)
    return -value if quadrant & 2 else value


def portable_cos(x: float) -> float:
    """cos(x), |x| < 2^20."""
    if not abs(x) < math.inf:
        return math.nan
    turns = math.floor(x * 0.6366197723675814 + 0.5)
    high, low = reduced(x, float(turns))
    quadrant = int(turns) & 3
    value = kernel_cos(high, low) if quadrant & 1 == 0 else kernel_sin(high, low)
    return -value if (quadrant + 1) & 2 else value


def reduced(x: float, turns: float) -> tuple[float, float]:
    """The angle x - turns pi / 2 as a sum of two numbers, of which the second corrects the first.

    pi / 2 is three numbers of 33 bits, 33 bits and the rest, so that products with up to 20 bits of turns are exact.
    """
    first = x - turns * 1.57079632673412561417e00
    part = turns * 6.07710050630396597660e-11
    second = first - part
    rest = turns * 2.02226624879595063154e-21 - ((first - second) - part)
    high = second - rest
    return high, (second - high) - rest


def kernel_sin(x: float, tail: float) -> float:
    """sin(x + tail) for |x| <= pi / 4: the odd polynomial of degree 13."""
    z = x * x
    w = z * z
    r = 8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04 + z * 2.75573137070700676789e-06)
    r = r + z * w * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
    v = z * x
    return x - ((z * (0.5 * tail - v * r) - tail) - v * -1.66666666666666324348e-01)


def kernel_cos(x: float, tail: float) -> float:
    """cos(x + tail) for |x| <= pi / 4: the even polynomial of degree 14."""
    z = x * x
    w = z * z
    r = z * (4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * 2.48015872894767294178e-05))
    r = r + w * w * (-2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))
    half = 0.5 * z
    one_less = 1.0 - half
    return one_less + (((1.0 - one_less) - half) + (z * r - x * tail))
