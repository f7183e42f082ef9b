"""Files that torch.save or safetensors wrote, read in the agent's process; what cannot be read is told in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def read(path: Path, *, weights_only: bool, save: str) -> Any:
    """What is in a file.

    Args:
        path: The file, of safetensors by its suffix.
        weights_only: Whether it is to hold tensors alone, so that nothing it names is imported.
        save: What to save instead of what cannot be read, for messages.

    Raises:
        ValueError: It is cut short or something else, holds more than weights, or names code that is not here.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        return torch.load(path, map_location="cpu", weights_only=weights_only)
    except (AttributeError, ImportError) as error:
        raise ValueError(
            f"{path.name} needs code of the program that saved it, which is not here ({error}); put that code into a "
            f"module of the folder which the program imports, or save {save}"
        ) from None
    except MemoryError:
        raise
    except Exception as error:  # of bytes that are no pickle, the reading of one raises anything
        if weights_only and "Weights only load failed" in str(error):
            raise ValueError(f"{path.name} holds more than weights; save {save}") from None
        raise ValueError(f"{path.name} was not written to its end, or is something else; save {save}") from error
