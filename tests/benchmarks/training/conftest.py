import pytest
import torch


@pytest.fixture(autouse=True)
def _threads():
    """One thread of PyTorch while a short round trains in this process, beside other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
