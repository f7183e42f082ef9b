"""What torch computes on, and whether environments can live on a GPU."""

from __future__ import annotations

from collections.abc import Mapping

from rlbench.commands.doctoring.check import Check


def check_torch(installed: Mapping[str, str]) -> Check:
    """Which torch there is, and whether it sees a GPU."""
    if "torch" not in installed:
        return Check("torch", "warn", "none", 'to train: pip install "rlbench[baselines]"')
    import torch

    if torch.cuda.is_available():
        return Check("torch", "ok", f"{torch.__version__}, {torch.cuda.get_device_name()}")
    return Check("torch", "ok", f"{torch.__version__}, CPU only")


def check_gpu(installed: Mapping[str, str]) -> Check:
    """Whether environments can live on a GPU, which none needs."""
    from rlbench.core.cuda import GpuError, NoGpuError, open_driver, open_gpu

    try:
        driver = open_driver()
        if "torch" not in installed:
            return Check("GPU", "ok", f"driver for CUDA {driver.cuda}; environments on it need torch")
        gpu = open_gpu("cuda")
    except NoGpuError as error:
        return Check("GPU", "ok", f"none, {str(error).partition(';')[0]}")
    except GpuError as error:
        found, _, advice = str(error).partition("; ")
        return Check("GPU", "warn", found, advice)
    return Check("GPU", "ok", f"{gpu.name} ({gpu.architecture}), driver for CUDA {driver.cuda}")
