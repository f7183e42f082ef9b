"""Studies leave what belongs to the whole process as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.baselines.surroundings import surroundings


@pytest.fixture(autouse=True)
def kept() -> Iterator[None]:
    """A caller with 3 threads, who finds everything as it was after each test of a study."""
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    before = surroundings()
    yield
    assert surroundings() == before
    torch.set_num_threads(threads)
