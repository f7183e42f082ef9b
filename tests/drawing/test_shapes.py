"""Shapes against analytic areas and a supersampled point-in-polygon test; the palette against vision models."""

import itertools
import math

import numpy as np
import pytest
from matplotlib.path import Path

from rlbench.drawing import shapes

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def ink(image):
    """How much of each pixel is black, [H, W]."""
    return 1 - image[..., 0] / 255


def paint(shape, *args, width=60, height=40, **kwargs):
    image = shapes.canvas(width, height, WHITE)
    shape(image, *args, BLACK, **kwargs)
    return image


def centre(image):
    weight = ink(image)
    y, x = np.indices(weight.shape) + 0.5
    return (x * weight).sum() / weight.sum(), (y * weight).sum() / weight.sum()


SHAPES = {
    "disc": (shapes.disc, (30.3, 20.6, 9.2), {}, math.pi * 9.2**2, (30.3, 20.6)),
    "rectangle": (shapes.rectangle, (10.25, 5.5, 40.75, 30.25), {}, 30.5 * 24.75, (25.5, 17.875)),
    "rounded": (
        shapes.rectangle,
        (10.25, 5.5, 40.75, 30.25),
        {"radius": 6},
        30.5 * 24.75 - (4 - math.pi) * 36,
        (25.5, 17.875),
    ),
    "line": (shapes.line, ((12, 9), (42, 31), 7), {}, 7 * math.hypot(30, 22) + math.pi * 3.5**2, (27, 20)),
    "dot": (shapes.line, ((20, 20), (20, 20), 8), {}, math.pi * 16, (20, 20)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_area_and_centre_are_the_shapes(name):
    shape, args, kwargs, area, middle = SHAPES[name]
    image = paint(shape, *args, **kwargs)
    assert ink(image).sum() == pytest.approx(area, rel=0.015)
    assert centre(image) == pytest.approx(middle, abs=0.03)


POLYGONS = {
    "triangle": [(5.3, 30.1), (50.7, 33.2), (21.9, 4.4)],
    "thin": [(3, 20), (55, 21.2), (55, 21.9), (3, 20.7)],
    "square": [(10, 10), (30, 10), (30, 30), (10, 30)],
    "star": [
        (30 + (18 if i % 2 else 7) * math.cos(i * math.pi / 5), 20 + (18 if i % 2 else 7) * math.sin(i * math.pi / 5))
        for i in range(10)
    ],
    "arrow, reversed": [(5, 18), (5, 22), (35, 22), (35, 30), (55, 20), (35, 10), (35, 18)][::-1],
}


@pytest.mark.parametrize("name", POLYGONS)
@pytest.mark.parametrize("shift", [(0, 0), (-25.5, -17.3), (1e4, 0)])
def test_polygon_covers_what_supersampling_says(name, shift):
    points = [(x + shift[0], y + shift[1]) for x, y in POLYGONS[name]]
    image = paint(shapes.polygon, points)
    fine = (np.arange(16) + 0.5) / 16
    y, x = (np.arange(40)[:, None] + fine).ravel(), (np.arange(60)[:, None] + fine).ravel()
    samples = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    inside = Path([*points, points[0]]).contains_points(samples)
    expected = inside.reshape(40, 16, 60, 16).mean(axis=(1, 3))
    np.testing.assert_allclose(ink(image), expected, atol=0.07)
    assert ink(image).sum() == pytest.approx(expected.sum(), rel=0.01, abs=0.1)


@pytest.mark.parametrize("name", SHAPES)
def test_what_reaches_outside_is_cut_off(name):
    shape, args, kwargs, *_ = SHAPES[name]
    whole = paint(shape, *args, **kwargs)
    small = shapes.canvas(22, 17, WHITE)
    shape(small, *args, BLACK, **kwargs)
    np.testing.assert_array_equal(small, whole[:17, :22])
    far = shapes.canvas(8, 8, WHITE)
    shapes.disc(far, -500, 3, 20, BLACK)
    shapes.line(far, (100, 1), (1e6, 5), 4, BLACK)
    shapes.polygon(far, [(100, 100), (110, 100), (110, 110)], BLACK)
    assert (far == 255).all()


def test_blending_reaches_the_colour_exactly_and_only_within_the_shape():
    image = shapes.canvas(20, 20, (10, 200, 30))
    shapes.rectangle(image, 5, 5, 15, 15, (201, 3, 77))
    assert (image[5:15, 5:15] == (201, 3, 77)).all()
    image[5:15, 5:15] = (10, 200, 30)
    assert (image == (10, 200, 30)).all()


def linear(colour):
    s = np.asarray(colour) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """WCAG 2.1 contrast ratio."""
    light, dark = sorted((linear(a) @ [0.2126, 0.7152, 0.0722], linear(b) @ [0.2126, 0.7152, 0.0722]), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    """CIE L*a*b* (D65) of linear RGB."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    t = xyz / [0.9505, 1.0, 1.089]
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira & Fernandes (2009), A physiologically-based model for simulation of colour vision deficiency.
VISIONS = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("ground", [shapes.PAPER, shapes.NIGHT], ids=["paper", "night"])
def test_accents_stand_out_on_light_and_dark(ground):
    for colour in (*shapes.ACCENTS, shapes.GREY):
        assert contrast(colour, ground) >= 3


@pytest.mark.parametrize("vision", VISIONS)
def test_accents_differ_for_everybody(vision):
    seen = [lab(np.clip(np.asarray(VISIONS[vision]) @ linear(colour), 0, 1)) for colour in shapes.ACCENTS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= 15
