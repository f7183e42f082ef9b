"""The benchmarks of environments and of training on a GPU, as far as they go without one."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from rlbench.core import cuda
from tests.benchmarks import gpu, gpu_session, gpu_training
from tests.core.fake_cuda import FakeLibrary, gpu_on_the_cpu

SESSION = Path(__file__).parent / "no-folder"


@pytest.mark.parametrize(
    "run",
    [lambda: gpu.main([]), gpu_training.main, lambda: gpu_session.main([str(SESSION)])],
    ids=["environments", "training", "all in one"],
)
def test_without_a_gpu_it_says_so_in_one_line(monkeypatch, capsys, run):
    def missing(name):
        raise cuda.NoGpuError("the NVIDIA driver finds no GPU; take device='cpu'")

    monkeypatch.setattr(gpu, "open_gpu", missing)
    monkeypatch.setattr(gpu_training, "open_gpu", missing)
    monkeypatch.setattr(gpu_session, "open_gpu", missing)
    assert run() == 2
    assert not SESSION.exists()
    assert capsys.readouterr() == ("", "error: the NVIDIA driver finds no GPU; take device='cpu'\n")


def test_figures_are_kept_as_soon_as_they_are_known_and_put_into_the_page(monkeypatch, tmp_path):
    def half_a_part(small):
        yield gpu_session.Figure("steps/s", "1e9")
        raise RuntimeError("the machine is gone")

    monkeypatch.setattr(gpu_session, "open_gpu", lambda name: SimpleNamespace(name="Pretend GPU"))
    monkeypatch.setitem(gpu_session.PARTS, "kernels", (half_a_part, 10))
    monkeypatch.setitem(gpu_session.PARTS, "held", (lambda small: iter([gpu_session.Figure("475 held", "yes")]), 10))
    with pytest.raises(RuntimeError):
        gpu_session.measure(tmp_path, "kernels", pretend=False)
    gpu_session.measure(tmp_path, "held", pretend=False)
    monkeypatch.setattr(gpu, "PAGE", tmp_path / "gpu.md")
    (tmp_path / "gpu.md").write_text(f"{gpu.BEGIN}old\n{gpu.END}{gpu_training.BEGIN}old\n{gpu.END}", encoding="utf-8")
    assert gpu_session.main([str(tmp_path), "--page"]) == 0
    first, second = (tmp_path / "gpu.md").read_text(encoding="utf-8").split(gpu_training.BEGIN)
    assert "Measured on one Pretend GPU." in first
    assert "| steps/s | 1e9 |" in first
    assert "| 475 held | yes |" in second
    assert "old" not in first + second


def test_a_kernel_that_differs_is_found():
    """A GPU with another sine is not exact: cart-pole of the C library's differs within so many steps."""
    for libm in (False, True):
        with gpu_on_the_cpu(FakeLibrary(libm=libm)):
            assert gpu.is_exact("rlbench/CartPole-v0", 50, 100) != libm


def test_the_floor_of_cart_pole():
    with gpu_on_the_cpu(FakeLibrary()):
        assert gpu.bytes_moved(gpu.gymnasium.make_vec("rlbench/CartPole-v0", num_envs=2, device="cuda")) == 146


def test_the_table_replaces_what_the_page_says(monkeypatch, tmp_path):
    page = tmp_path / "gpu.md"
    page.write_text(gpu.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(gpu, "PAGE", page)
    gpu.write("Measured.")
    text = page.read_text(encoding="utf-8")
    assert "Measured." in text
    assert text.count("Not measured") == 1  # of training
    assert text.startswith("# Environments on a GPU")


def test_training_is_measured_until_475_is_held(monkeypatch):
    settings = replace(gpu_training.CART_POLE["actor-critic"][1], num_envs=4, horizon=16, evaluation_episodes=1)
    monkeypatch.setitem(gpu_training.CART_POLE, "actor-critic", (None, replace(settings, goal=0.0)))
    held, seconds = gpu_training.seconds_to_475("actor-critic", "cpu", seeds=3)
    assert held == 3
    assert seconds > 0
    assert gpu_training.throughput(replace(settings, num_envs=8, horizon=4), "cpu", iterations=2) > 0


def test_the_tables_of_the_page_are_apart(monkeypatch, tmp_path):
    page = tmp_path / "gpu.md"
    page.write_text(gpu.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(gpu, "PAGE", page)
    gpu.write("Trained.", gpu_training.BEGIN)
    gpu.write("Stepped.")
    text = page.read_text(encoding="utf-8")
    assert text.index("Stepped.") < text.index("Trained.")
    assert "Not measured" not in text
