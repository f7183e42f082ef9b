"""The window, on SDL's dummy driver: what is on screen, how fast, and what its user did."""

import copy
import os
import pickle
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled

from rlbench.drawing.window import Closed, Key, Mouse, Viewer, fit
from rlbench.errors import UserError

pygame = pytest.importorskip("pygame")


@pytest.fixture
def viewer(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    viewer = Viewer("a title", fps=1000)
    yield viewer
    viewer.close()


def picture(width=320, height=200):
    y, x = np.indices((height, width))
    return np.stack([x % 256, y % 256, (x + y) % 256], axis=2).astype(np.uint8)


def on_screen():
    return pygame.surfarray.array3d(pygame.display.get_surface()).transpose(1, 0, 2)


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


def test_a_copy_opens_a_window_of_its_own(viewer):
    viewer.show(picture())
    for copied in (copy.deepcopy(viewer), pickle.loads(pickle.dumps(viewer))):
        assert (copied.title, copied.fps, copied.closed) == ("a title", 1000, False)
        copied.close()
        assert not viewer.closed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are POSIX")
def test_a_fork_leaves_the_window_to_its_parent(viewer):
    viewer.show(picture())
    child = os.fork()
    if child == 0:
        viewer.show(picture())
        try:
            Viewer("another", fps=30)
        except UserError as error:
            os._exit(0 if viewer.closed and "start it by spawn" in str(error) else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    viewer.show(picture()[::-1])
    np.testing.assert_array_equal(on_screen(), picture()[::-1])


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_a_display_one_line_says_so(monkeypatch):
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match=r"^no display.*rgb_array[^\n]*$"):
        Viewer("a title", fps=30)


def test_an_unknown_video_driver_is_one_line(monkeypatch):
    pygame.display.quit()
    monkeypatch.setenv("SDL_VIDEODRIVER", "no-such-driver")
    with pytest.raises(UserError, match=r"^no window can be opened \(.*no-such-driver[^\n]*$"):
        Viewer("a title", fps=30)


def test_without_pygame_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "rlbench\[play\]"'):
        Viewer("a title", fps=30)


SETTINGS = """
import locale, os, sys, rlbench.drawing.window as window, numpy as np
def settings():
    status = [line for line in open("/proc/self/status") if line.startswith(("SigCgt", "SigIgn", "SigBlk"))]
    return status, dict(os.environ), os.getcwd(), list(sys.path), locale.setlocale(locale.LC_ALL)
before = settings()
viewer = window.Viewer("a title", fps=1000)
viewer.show(np.zeros((100, 100, 3), np.uint8))
assert settings() == before, (before, settings())
import pygame
assert pygame.display.get_allow_screensaver()
assert not pygame.mixer.get_init() and not pygame.joystick.get_init()
viewer.close()
assert settings() == before, (before, settings())
"""


def run(program, driver="dummy"):
    """Run a program that opens a window; what it printed on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SDL_VIDEODRIVER": driver},
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_window_leaves_the_process_as_it_was():
    assert run(SETTINGS) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_a_program_whose_window_is_open(name):
    program = f"""
import os, signal, time, rlbench.drawing.window as window, numpy as np
viewer = window.Viewer("a title", fps=1000)
viewer.show(np.zeros((100, 100, 3), np.uint8))
os.kill(os.getpid(), signal.{name})
for _ in range(100):
    viewer.show(np.zeros((100, 100, 3), np.uint8))
    time.sleep(0.01)
"""
    with pytest.raises(subprocess.CalledProcessError) as ended:
        run(program)
    assert ended.value.returncode == -getattr(signal, name)


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


def test_only_the_viewer_imports_pygame():
    program = """
import sys, pathlib, re, rlbench, rlbench.drawing.window
assert "pygame" not in sys.modules
root = pathlib.Path(rlbench.__file__).parent
users = [path.name for path in root.rglob("*.py") if re.search(r"^ *(import|from) pygame", path.read_text(), re.M)]
assert users == ["window.py"], users
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_pygame_does_not_greet():
    program = "from rlbench.drawing.window import import_pygame; import_pygame()"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, encoding="utf-8")
    assert done.stdout == ""


def test_human_mode_shows_every_state(monkeypatch):
    import gymnasium

    import rlbench  # noqa: F401  # registers the ids

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("rlbench.envs.grid_world.render.FRAMES_PER_SECOND", 1000)
    env = gymnasium.make("rlbench/GridWorld-v0", render_mode="human")
    drawn = gymnasium.make("rlbench/GridWorld-v0", render_mode="rgb_array")
    for world in (env, drawn):
        world.reset(seed=5)
    for action in (0, 1):
        env.step(action)
        drawn.step(action)
        shown, (height, width, _) = on_screen(), drawn.render().shape
        left, top, wide, high = fit((width, height), shown.shape[1::-1])
        assert (wide, high) == (width, height)
        np.testing.assert_array_equal(shown[top : top + high, left : left + wide], drawn.render())
    env.close()
    assert not pygame.display.get_init()


def test_an_environment_goes_on_without_its_window_until_it_is_closed(monkeypatch):
    import gymnasium

    import rlbench  # noqa: F401  # registers the ids

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gymnasium.make("rlbench/CartPole-v0", render_mode="human")
    env.reset(seed=0)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    env.step(0)
    monkeypatch.setattr(env.unwrapped, "_frame", None)  # nothing is drawn any more
    env.step(1)
    assert not pygame.display.get_init()
    monkeypatch.undo()
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env.close()
    env.reset(seed=0)
    assert pygame.display.get_init()
    env.close()
