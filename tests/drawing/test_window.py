"""The window: what is on screen, how fast, and what its user did."""

import numpy as np
import pytest

from rlbench.drawing.window import Closed, Key, Mouse, Viewer, fit
from tests.drawing.windows import on_screen, picture, pygame


def resize(size):
    """As a user does it: SDL reports it, in contrast to a size that the program sets."""
    pygame.display.set_mode(size, pygame.RESIZABLE)
    pygame.event.post(pygame.event.Event(pygame.WINDOWRESIZED, x=size[0], y=size[1], window=None))


def test_the_frame_is_on_screen_under_its_title(viewer):
    viewer.show(picture())
    np.testing.assert_array_equal(on_screen(), picture())
    assert pygame.display.get_caption()[0] == "a title"
    viewer.show(picture()[::-1])
    np.testing.assert_array_equal(on_screen(), picture()[::-1])


def test_a_small_frame_is_magnified_by_a_whole_number(viewer):
    frame = picture(28, 14)
    viewer.show(frame)
    np.testing.assert_array_equal(on_screen(), frame.repeat(11, axis=0).repeat(11, axis=1))


def test_the_window_follows_a_frame_that_changes_size(viewer):
    viewer.show(picture(400, 300))
    viewer.show(picture(500, 200))
    np.testing.assert_array_equal(on_screen(), picture(500, 200))


@pytest.mark.parametrize("size", [(700, 300), (333, 1000), (40, 40)])
def test_a_resized_window_keeps_the_proportions(viewer, size):
    viewer.show(picture(400, 300))
    resize(size)
    viewer.show(np.full((300, 400, 3), 255, np.uint8))
    shown = on_screen()
    assert shown.shape[:2] == size[::-1]
    bright = (shown > 200).all(axis=2)
    left, top, width, height = fit((400, 300), size)
    assert bright[top : top + height, left : left + width].all()
    assert bright.sum() == width * height


def test_a_window_of_one_pixel_is_survived(viewer):
    viewer.show(picture(400, 300))
    resize((1, 1))
    viewer.show(picture(400, 300))
    assert on_screen().shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("window", "place"),
    [
        ((400, 300), (0, 0, 400, 300)),
        ((800, 600), (0, 0, 800, 600)),
        ((810, 600), (5, 0, 800, 600)),
        ((200, 600), (0, 225, 200, 150)),
        ((1, 1), (0, 0, 1, 1)),
    ],
)
def test_fit(window, place):
    assert fit((400, 300), window) == place


def test_keys_and_mouse_are_reported_in_order_and_in_the_frames_pixels(viewer):
    viewer.show(picture(100, 50))  # magnified three times
    post = pygame.event.post
    post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_LEFT))
    post(pygame.event.Event(pygame.KEYUP, key=pygame.K_LEFT))
    post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(30, 75), button=1))
    post(pygame.event.Event(pygame.MOUSEMOTION, pos=(299, 149), rel=(1, 1), buttons=(0, 0, 1)))
    post(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=(0, 0), button=3))
    viewer.show(picture(100, 50))  # takes the events off pygame's queue, and keeps them
    assert viewer.events() == [
        Key("left", True),
        Key("left", False),
        Mouse("down", 10, 25, 1),
        Mouse("move", 99, 49, 3),
        Mouse("up", 0, 0, 3),
    ]
    assert viewer.events() == []


def test_closing_the_window_ends_the_show_and_is_reported_once(viewer):
    viewer.show(picture())
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    viewer.show(picture())
    assert viewer.closed
    viewer.show(picture())
    assert not pygame.display.get_init()
    assert viewer.events() == [Closed()]
    assert viewer.events() == []


def test_events_before_the_first_frame_and_after_closing(viewer):
    assert viewer.events() == []
    viewer.close()
    viewer.close()
    assert viewer.events() == []


def test_frames_are_paced(viewer, monkeypatch):
    asked = []
    monkeypatch.setattr(viewer, "_clock", type("Clock", (), {"tick": lambda self, fps: asked.append(fps)})())
    for _ in range(3):
        viewer.show(picture())
    assert asked == [1000, 1000, 1000]


def test_two_viewers_take_turns(viewer):
    viewer.show(picture(400, 300))
    with Viewer("another", fps=1000) as other:
        other.show(picture(300, 400))
        viewer.show(picture(400, 300))
    viewer.show(picture(400, 300))
    np.testing.assert_array_equal(on_screen(), picture(400, 300))


@pytest.mark.parametrize("frame", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)])
def test_what_is_no_frame_is_refused(viewer, frame):
    with pytest.raises(ValueError, match=r"uint8\[H, W, 3\]"):
        viewer.show(frame)


@pytest.mark.parametrize("screen", [(640, 480), (320, 200), (1, 1)])
@pytest.mark.parametrize("frame", [(1280, 880), (100, 2000), (2000, 100), (600, 400), (28, 28)])
def test_a_window_fits_the_screen(viewer, monkeypatch, screen, frame):
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [screen])
    viewer.show(picture(*frame))
    shown, (width, height) = on_screen(), frame
    assert shown.shape[1] <= max(1, screen[0])
    assert shown.shape[0] <= max(1, screen[1])
    if min(screen) > 1 and max(frame) <= 1280:
        assert shown.shape[1] / shown.shape[0] == pytest.approx(width / height, rel=0.02)
