"""The benchmarks of environments and of training on a GPU, as far as they go without one."""

from dataclasses import replace

import pytest

from rlbench.core import cuda
from tests.benchmarks import gpu, gpu_training
from tests.core.fake_cuda import FakeLibrary, gpu_on_the_cpu


@pytest.mark.parametrize("run", [lambda: gpu.main([]), gpu_training.main], ids=["environments", "training"])
def test_without_a_gpu_it_says_so_in_one_line(monkeypatch, capsys, run):
    def missing(name):
        raise cuda.NoGpuError("the NVIDIA driver finds no GPU; take device='cpu'")

    monkeypatch.setattr(gpu, "open_gpu", missing)
    monkeypatch.setattr(gpu_training, "open_gpu", missing)
    assert run() == 2
    assert capsys.readouterr() == ("", "error: the NVIDIA driver finds no GPU; take device='cpu'\n")


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
