import pytest
import torch


@pytest.fixture(autouse=True)
def _threads():
    """PyTorch's number of threads, put back: a short round trains in this process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
