"""Films and filmstrips, read back: as many frames as were added, at the rate that was asked for, in order."""

import subprocess
import sys

import numpy as np
import pytest

from rlbench.drawing.shapes import BLUE, GREEN, PAPER, VERMILION, canvas, rectangle
from rlbench.errors import UserError
from rlbench.interact import recorder as recorders
from rlbench.interact.filmstrip import GAP, SIDE, Still, chosen
from rlbench.interact.recorder import Film, gif_rate, recorder
from tests.interact.pictures import read_film, read_png


@pytest.fixture
def ffmpeg():
    return pytest.importorskip("imageio_ffmpeg")


def frame(t, width=160, height=120):
    """A bar at 4 t pixels from the left."""
    image = canvas(width, height)
    rectangle(image, 4 * t, 20, 4 * t + 4, 100, BLUE)
    return image


def bar(image):
    """Where the bar's middle is, in pixels."""
    near = np.abs(image.astype(int) - BLUE).sum(axis=2) < 120
    return np.nonzero(near)[1].mean()


@pytest.mark.parametrize(("suffix", "asked", "rate"), [(".mp4", 50, 50), (".mp4", 12.5, 12.5), (".gif", 25, 25)])
def test_a_film_has_every_frame_at_the_rate(ffmpeg, tmp_path, suffix, asked, rate):
    path = tmp_path / f"film{suffix}"
    with recorder(path, asked) as film:
        for t in range(30):
            film.add(frame(t))
    frames, fps = read_film(path)
    assert (len(frames), fps) == (30, rate)
    np.testing.assert_allclose([bar(each) for each in frames], [4 * t + 1.5 for t in range(30)], atol=1)
    assert (film.frames, film.written) == (30, [path])


def test_a_gif_keeps_the_palette_and_frames_that_do_not_change(ffmpeg, tmp_path):
    with recorder(tmp_path / "film.gif", 20) as film:
        for colour in (VERMILION, VERMILION, VERMILION, GREEN, BLUE):
            film.add(canvas(64, 48, colour))
    frames, _ = read_film(tmp_path / "film.gif")
    shown = [tuple(each[20, 20].tolist()) for each in frames]
    assert np.abs(np.array(shown[-1]) - BLUE).max() <= 8
    assert np.abs(np.array(shown[0]) - VERMILION).max() <= 8


@pytest.mark.parametrize(("fps", "rate"), [(4, 4), (10, 10), (50, 50), (60, 50), (1000, 50), (30, 100 / 3)])
def test_gif_rates_are_whole_hundredths(fps, rate):
    assert gif_rate(fps) == pytest.approx(rate)


def test_odd_sizes_are_padded(ffmpeg, tmp_path):
    with recorder(tmp_path / "film.mp4", 10) as film:
        for t in range(3):
            film.add(frame(t, 161, 121))
    frames, _ = read_film(tmp_path / "film.mp4")
    assert frames.shape == (3, 122, 162, 3)
    assert np.abs(frames[:, 121, 161].astype(int) - PAPER).max() <= 4  # no black edge


def test_another_size_in_the_middle_is_refused(ffmpeg, tmp_path):
    with recorder(tmp_path / "film.mp4", 10) as film:
        film.add(frame(0))
        with pytest.raises(ValueError, match="a film keeps its size"):
            film.add(frame(0, 100, 100))


def test_no_frame_is_no_file(ffmpeg, tmp_path):
    with recorder(tmp_path / "film.mp4", 10):
        pass
    assert not list(tmp_path.iterdir())


def interrupted(path):
    with recorder(path, 10) as film:
        for t in range(7):
            film.add(frame(t))
        raise KeyboardInterrupt


def test_an_exception_in_the_middle_leaves_a_whole_film(ffmpeg, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "film.mp4")
    assert len(read_film(tmp_path / "film.mp4")[0]) == 7


def with_a_dead_encoder(path):
    with recorder(path, 10) as film:
        film.add(frame(0))
        film._process.kill()
        film._process.wait()
        for t in range(30):
            film.add(frame(t))


def test_an_encoder_that_dies_is_one_line(ffmpeg, tmp_path):
    with pytest.raises(UserError, match=r"^cannot write .*film.mp4: [^\n]+$"):
        with_a_dead_encoder(tmp_path / "film.mp4")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("film.avi", r"the supported formats are \.mp4, \.gif, \.png, \.sgf"),
        ("film", r"the supported formats are \.mp4, \.gif, \.png, \.sgf"),
        ("no/such/folder/film.mp4", "cannot write .*No such file or directory; give another file"),
        ("folder.mp4", "it is a folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_begins(tmp_path, name, message):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UserError, match=message) as caught, recorder(tmp_path / name, 10):
        pass
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mp4"]


def test_without_the_wheel_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with (
        pytest.raises(UserError, match=r'pip install "rlbench\[play\]", or record a .png'),
        recorder(tmp_path / "film.mp4", 10),
    ):
        pass
    with recorder(tmp_path / "strip.png", 10) as strip:
        strip.add(frame(0))
    assert (tmp_path / "strip.png").exists()


def test_an_old_film_is_replaced(ffmpeg, tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"old")
    recorders.check(tmp_path / "film.mp4")
    assert (tmp_path / "film.mp4").read_bytes() == b"old"
    with recorder(tmp_path / "film.mp4", 10) as film:
        film.add(frame(0))
    assert len(read_film(tmp_path / "film.mp4")[0]) == 1


def test_a_filmstrip_shows_the_first_the_last_and_those_between(tmp_path):
    with recorder(tmp_path / "strip.png", 10, strip=4) as strip:
        for t in range(31):
            strip.add(frame(t), f"step {t}")
        strip.end_episode()
        strip.add(frame(9))
        strip.end_episode()
    image = read_png(tmp_path / "strip.png")
    width = SIDE // 160 * 160
    assert image.shape[1] == 4 * width + 5 * GAP
    for i, t in enumerate((0, 10, 20, 30)):
        part = image[GAP : GAP + 240, GAP + i * (width + GAP) :][:, :width]
        assert bar(part) == pytest.approx(2 * (4 * t + 2) - 0.5, abs=1)
    assert tuple(image[2, 2]) == PAPER
    assert [path.name for path in strip.written] == ["strip.png", "strip-2.png"]
    assert read_png(tmp_path / "strip-2.png").shape[1] == width + 2 * GAP


def test_a_strip_of_few_frames_leaves_large_ones_large(tmp_path):
    for shown, side in ((1, 900), (2, 450), (5, 300)):
        with recorder(tmp_path / "strip.png", 10, strip=shown) as strip:
            for _ in range(shown):
                strip.add(canvas(900, 300))
        assert read_png(tmp_path / "strip.png").shape == (side // 3 + 2 * GAP, shown * (side + GAP) + GAP, 3)


def test_a_filmstrip_of_a_long_episode_keeps_few_frames(tmp_path):
    frames = [frame(t) for t in range(30)]
    with recorder(tmp_path / "strip.png", 10, strip=3) as strip:
        for t in range(5000):
            strip.add(frames[t % 30], str(t))
            assert len(strip._kept) <= 3 * 8
        kept = [still.number for still in strip._kept]
        assert np.ptp(np.diff(kept)) == 0
    assert read_png(tmp_path / "strip.png").shape[1] == 3 * 320 + 4 * GAP


@pytest.mark.parametrize(("count", "shown"), [(1, 5), (2, 5), (5, 5), (100, 5), (100, 1)])
def test_chosen_stills_are_spread_evenly(count, shown):
    stills = [Still(i, frame(0), "") for i in range(count)]
    numbers = [still.number for still in chosen(stills, shown)]
    expected = np.linspace(0, count - 1, min(shown, count)) if shown > 1 else [count - 1]
    assert len(numbers) == len(set(numbers)) == len(expected)
    np.testing.assert_allclose(numbers, expected, atol=0.5)


def test_a_strip_passes_over_what_it_will_not_show(tmp_path):
    """Drawn or passed over, the strip is the same; of a long episode few frames need be drawn, the last one always."""
    shades = np.arange(1_000) // 4
    for name in ("all.png", "few.png"):
        drawn = 0
        with recorder(tmp_path / name, 30, strip=4) as strip:
            for i, shade in enumerate(shades):
                if name == "all.png" or not strip.skip(last=i == len(shades) - 1):
                    strip.add(np.full((8, 8, 3), shade, np.uint8), f"{i}")
                    drawn += 1
        assert strip.frames == len(shades)
    assert (tmp_path / "all.png").read_bytes() == (tmp_path / "few.png").read_bytes()
    assert drawn < 150


def test_a_filmstrip_without_frames_is_refused(tmp_path):
    with pytest.raises(UserError, match="1 to 200 frames, got 0"), recorder(tmp_path / "strip.png", 10, strip=0):
        pass


MEMORY = """
import sys
import gymnasium, rlbench
from rlbench.interact.episode import ShownEpisode
from rlbench.interact.panel import panel
from rlbench.interact.recorder import recorder
from rlbench.interact.screen import Screen
from rlbench.interact.layout import EpisodeView

def resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

env = gymnasium.make("rlbench/GridWorld-v0", render_mode="rgb_array")
env.action_space.seed(0)
steps = int(sys.argv[2])
with recorder(sys.argv[1], 50) as film:
    view = EpisodeView(Screen(50, None, film), (), record_panel=False)
    episode, taken, sizes = ShownEpisode(env, 0), 0, []
    while taken < steps:
        if episode.over:
            film.end_episode()
            episode = ShownEpisode(env, taken)
        episode.step(env.action_space.sample())
        view.record(episode)
        if taken % 4 == 0:  # text is cached
            panel(episode.figures(), 420)
        taken += 1
        if taken in (steps // 10, steps):
            sizes.append([resident(pid) for pid in ("self", film._process.pid)])
print(*sizes[0], *sizes[1])
"""


@pytest.mark.slow
def test_memory_stays_flat_over_a_long_recording(ffmpeg, tmp_path):
    """100,000 frames: our resident memory and the encoder's grow by less than 5 % after the first tenth."""
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "long.mp4"), "100000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    ours, encoders, ours_later, encoders_later = map(int, done.stdout.split())
    print(f"\nKiB after a tenth and in the end: ours {ours}, {ours_later}; the encoder's {encoders}, {encoders_later}")
    assert ours_later < 1.05 * ours
    assert encoders_later < 1.05 * encoders


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
@pytest.mark.parametrize("name", ["100%", "%03d", "a:b", "-y", "two words\n", "\udcff\udcfe", "é", "x" * 240])
def test_any_name_will_do(ffmpeg, tmp_path, name, suffix):
    path = tmp_path / f"{name}{suffix}"
    with recorder(path, 10) as film:
        film.add(frame(0))
    assert list(tmp_path.iterdir()) == film.written == [path]
    assert path.stat().st_size > 100


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 5), (17, 333)])
def test_any_size_will_do(ffmpeg, tmp_path, size):
    for suffix in (".mp4", ".gif"):
        with recorder(tmp_path / f"film{suffix}", 10) as film:
            film.add(canvas(*size))
        frames, _ = read_film(tmp_path / f"film{suffix}")
        assert len(frames) == 1


FULL = """
import resource, signal, sys, numpy as np
from rlbench.errors import UserError
from rlbench.interact.recorder import recorder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    with recorder(sys.argv[1], 10) as film:
        for t in range(100):
            film.add(np.random.default_rng(t).integers(0, 256, (120, 160, 3), np.uint8), f"step {t}")
except UserError as error:
    print(error)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the size of files as Linux does")
@pytest.mark.parametrize("name", ["film.mp4", "film.gif", "strip.png"])
def test_a_disk_that_is_full_leaves_no_half_of_a_file_and_keeps_the_old_one(ffmpeg, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"of yesterday")
    program = [sys.executable, "-c", FULL, str(path)]
    done = subprocess.run(program, check=True, capture_output=True, text=True, encoding="utf-8")
    assert done.stderr == ""
    assert done.stdout.startswith(f"cannot write {path}: ")
    assert done.stdout.count("\n") == 1
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert path.read_bytes() == b"of yesterday"


KILLED = """
import os, signal, sys, numpy as np
from rlbench.interact.recorder import recorder
with recorder(sys.argv[1], 10) as film:
    for t in range(30):
        film.add(np.zeros((120, 160, 3), np.uint8))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_film_that_was_killed_half_way_does_not_have_its_name(ffmpeg, tmp_path):
    path = tmp_path / "film.mp4"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert {each.name for each in tmp_path.iterdir()} <= {"film.mp4.part"}


@pytest.mark.parametrize(
    ("setting", "replaced", "message"),
    [
        ("-r", "20", "ffmpeg uses 20.0 as rate of a film, not 15"),
        ("-s", "64x16", r"ffmpeg uses \(64, 16\) as size of a film, not \(32, 32\)"),
        (None, "5", r"ffmpeg uses \d as number of frames, not 5"),  # it drops some
    ],
)
def test_an_encoder_that_does_otherwise_is_one_line(ffmpeg, tmp_path, monkeypatch, setting, replaced, message):
    """The encoder is told something else on its way."""
    popen = subprocess.Popen

    def deaf(command, **kwargs):
        if "rawvideo" in command:
            at = len(command) - 1 if setting is None else command.index(setting) + 1
            command = [*command[:at], *(["-r"] if setting is None else []), replaced, *command[at + bool(setting) :]]
        return popen(command, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", deaf)
    film = Film(tmp_path / "film.mp4", 15)
    for level in range(5):
        film.add(np.full((32, 32, 3), 40 * level, np.uint8))
    with pytest.raises(UserError, match=message):
        film.close()
    assert list(tmp_path.iterdir()) == []
