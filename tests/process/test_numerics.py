"""Threads, generators and precision of PyTorch and of NumPy's BLAS: what is set inside is afterwards as it was."""

import contextlib
import threading

import torch

from rlbench.process import numerics
from tests.blas import blas_threads, set_blas_threads


def test_torch_threads_return_also_after_an_error():
    before = torch.get_num_threads()
    with contextlib.suppress(KeyboardInterrupt), numerics.torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyboardInterrupt
    assert torch.get_num_threads() == before


def test_matrices_are_multiplied_on_one_thread_inside():
    before = blas_threads()
    set_blas_threads(2)
    try:
        with contextlib.suppress(KeyboardInterrupt), numerics.one_blas_thread():
            assert blas_threads() == 1
            raise KeyboardInterrupt
        assert blas_threads() == 2
    finally:
        set_blas_threads(before)


def test_torch_generator_is_not_moved():
    before = torch.get_rng_state()
    with numerics.torch_generator():
        torch.nn.Linear(3, 3)
        torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_torch_has_its_defaults_inside_whatever_the_caller_has_set():
    def modes():
        return (
            *(torch.get_default_dtype(), torch.get_default_device().type, torch.is_grad_enabled()),
            *(torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")),
        )

    plain = modes()
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        with torch.inference_mode(), torch.autocast("cpu"):
            outside = modes()
            with numerics.torch_defaults():
                assert modes() == plain == (torch.float32, "cpu", True, False, False)
            assert modes() == outside
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert modes() == plain


def test_threads_that_train_at_once_leave_the_number_that_the_first_found():
    before, entered, leave = torch.get_num_threads(), threading.Barrier(3), threading.Event()

    def inside():
        with numerics.torch_threads(before + 1):
            entered.wait(30)
            leave.wait(30)
        counts.append(torch.get_num_threads())

    counts = []
    threads = [threading.Thread(target=inside) for _ in range(2)]
    for thread in threads:
        thread.start()
    entered.wait(30)
    leave.set()
    for thread in threads:
        thread.join()
    fresh = threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
    fresh.start()
    fresh.join()
    assert counts == [before] * 3
