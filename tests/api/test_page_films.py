"""Films of a page: HTML5 video in a notebook, and a file for those who want one."""

import pytest

import rlbench

pytest.importorskip("imageio_ffmpeg", reason="pip install 'rlbench[play]'")


def test_the_film_is_html_and_a_file(tmp_path):
    film = rlbench.watch(lambda observation: 0, "cart-pole", max_frames=3)
    assert film._repr_html_().startswith("<video controls autoplay loop muted")
    assert film.save(tmp_path / "mine.mp4").read_bytes() == film.mp4
    assert "3 frames at 50 per second" in repr(film)
    for path, message in ((tmp_path / "mine.gif", "ends in .mp4"), (tmp_path / "no" / "mine.mp4", "cannot write")):
        with pytest.raises(rlbench.UserError, match=message):
            film.save(path)
