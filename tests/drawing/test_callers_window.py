"""A viewer beside a caller who uses pygame himself: each keeps his window, his events and his settings."""

from types import SimpleNamespace

import numpy as np
import pytest

from rlbench.drawing.window import Closed, Key, Viewer
from tests.drawing.windows import picture, pygame


@pytest.fixture
def callers_window(monkeypatch):
    """The caller's own window, red, 300 x 200."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    surface = pygame.display.set_mode((300, 200))
    pygame.display.set_caption("the caller's")
    surface.fill((200, 0, 0))
    pygame.event.clear()
    yield surface
    pygame.display.quit()


def is_untouched(surface):
    return (
        pygame.display.get_surface() is surface
        and (pygame.display.get_caption()[0], surface.get_size()) == ("the caller's", (300, 200))
        and bool((pygame.surfarray.array3d(surface) == (200, 0, 0)).all())
    )


def test_the_callers_own_window_is_left_alone(callers_window):
    viewer = Viewer("a title", fps=1000)
    viewer.show(picture(28, 14))
    viewer.show(picture(400, 300))
    assert viewer._second.surface().get_size() == (400, 300)
    np.testing.assert_array_equal(pygame.surfarray.array3d(viewer._second.surface()).swapaxes(0, 1), picture(400, 300))
    assert is_untouched(callers_window)
    viewer.close()
    assert is_untouched(callers_window)


def test_events_of_the_callers_own_window_are_left_to_him(callers_window):
    with Viewer("a title", fps=1000) as viewer:
        viewer.show(picture())
        pygame.event.clear()
        ours = viewer._second._window
        for key, window in ((pygame.K_a, None), (pygame.K_b, ours), (pygame.K_c, None)):
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, window=window))
        viewer.show(picture())
        assert viewer.events() == [Key("b", True)]
        assert [event.key for event in pygame.event.get(pygame.KEYDOWN)] == [pygame.K_a, pygame.K_c]
        pygame.event.post(pygame.event.Event(pygame.QUIT))
        assert viewer.events() == []
        pygame.event.post(pygame.event.Event(pygame.WINDOWCLOSE, window=ours))
        assert viewer.events() == [Closed()]
    assert is_untouched(callers_window)


def test_a_window_that_the_caller_opens_later_is_his(viewer):
    viewer.show(picture())
    surface = pygame.display.set_mode((300, 200))
    pygame.display.set_caption("the caller's")
    viewer.show(picture())
    assert surface.get_size() == (300, 200)
    viewer.close()
    assert pygame.display.get_surface() is surface
    pygame.display.quit()


@pytest.mark.parametrize("size", [(300, 200), (320, 200)])
def test_a_window_that_the_caller_opens_later_is_his_under_our_title_and_flags(viewer, size):
    viewer.show(picture())
    surface = pygame.display.set_mode(size)  # on the dummy driver a window keeps its flags and title
    surface.fill((200, 0, 0))
    viewer.show(picture())
    assert surface.get_size() == size
    assert (pygame.surfarray.array3d(surface) == (200, 0, 0)).all()
    viewer.close()
    assert pygame.display.get_surface() is surface
    pygame.display.quit()


def quit_pygame():
    pygame.quit()


def quit_and_open_again():
    pygame.display.quit()
    pygame.display.init()
    pygame.display.set_mode((300, 200))


@pytest.mark.parametrize("quit_display", [quit_pygame, quit_and_open_again])
def test_a_viewer_beside_the_callers_window_is_closed_when_the_caller_quits_pygame(callers_window, quit_display):
    viewer = Viewer("a title", fps=1000)
    viewer.show(picture())
    quit_display()
    open_before = pygame.display.get_init()
    viewer.show(picture())  # without a window; SDL has destroyed it
    assert viewer.closed
    assert viewer.events() == [Closed()]
    assert pygame.display.get_init() == open_before
    viewer.close()


def test_closing_a_viewer_whose_window_is_destroyed_does_nothing(callers_window):
    viewer = Viewer("a title", fps=1000)
    viewer.show(picture())
    quit_and_open_again()
    surface, destroyed = pygame.display.get_surface(), viewer._second._window
    viewer._second._window = SimpleNamespace(destroy=lambda: pytest.fail("it was destroyed already"))
    viewer.close()
    assert pygame.display.get_surface() is surface
    viewer._second._window = destroyed
    viewer._second.close()  # so that nothing frees it


def test_pygame_stays_as_the_caller_has_begun_it(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    with Viewer("a title", fps=1000) as viewer:
        viewer.show(picture())
    assert pygame.display.get_init()
    assert pygame.display.get_surface() is None
    pygame.display.quit()
