"""What of PyTorch and NumPy belongs to the whole process."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def surroundings() -> tuple[Any, ...]:
    """Everything of PyTorch and NumPy that a training run might change for the whole process."""
    return (
        *(torch.get_num_threads(), torch.get_default_dtype(), torch.get_default_device()),
        *(torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")),
        *(torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32),
        *(torch.are_deterministic_algorithms_enabled(), torch.get_rng_state().numpy().tobytes()),
        *(str(np.random.get_state()), tuple(np.geterr().items())),  # noqa: NPY002  # others draw from it
    )
