"""The benchmark of environments on a GPU, as far as it goes without one."""

from rlbench.core import cuda
from tests.benchmarks import gpu
from tests.core.fake_cuda import FakeLibrary, gpu_on_the_cpu


def test_without_a_gpu_it_says_so_in_one_line(monkeypatch, capsys):
    def missing(name):
        raise cuda.NoGpuError("the NVIDIA driver finds no GPU; take device='cpu'")

    monkeypatch.setattr(gpu, "open_gpu", missing)
    assert gpu.main([]) == 2
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
    assert "Not measured" not in text
    assert text.startswith("# Environments on a GPU")
