"""What torch.save wrote, and files that it did not: one line of words for each."""

import sys
import types

import pytest

torch = pytest.importorskip("torch", reason="pip install 'rlbench[baselines]'")

from rlbench.harness.adapters import torch_file  # noqa: E402  # it imports torch


def reading(path, *, weights_only=False):
    return torch_file.read(path, weights_only=weights_only, save="the weights")


@pytest.fixture
def saved(tmp_path):
    """A file of a network whose class is gone when it is read, as that of a script is."""
    script = types.ModuleType("a_script")
    exec("from torch import nn\nclass Net(nn.Linear): ...", vars(script))
    sys.modules["a_script"] = script
    try:
        torch.save(script.Net(4, 3), tmp_path / "policy.pt")
    finally:
        del sys.modules["a_script"]
    return tmp_path / "policy.pt"


def test_code_that_is_not_here_is_named(saved):
    with pytest.raises(ValueError, match=r"policy\.pt needs code .* \(No module named 'a_script'\); .* or save the w"):
        reading(saved)


def test_more_than_weights_is_refused_where_they_are_asked_for(saved):
    with pytest.raises(ValueError, match=r"^policy\.pt holds more than weights; save the weights$"):
        reading(saved, weights_only=True)


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("name", ["half.pt", "text.pt", "half.safetensors", "text.safetensors", "legacy.pt"])
def test_half_a_file_and_other_files_are_refused(name, weights_only, tmp_path):
    weights, whole = {"a": torch.zeros(50)}, tmp_path / "whole"
    if name.endswith("safetensors"):
        from safetensors.torch import save_file

        save_file(weights, whole)
    else:
        torch.save(weights, whole, _use_new_zipfile_serialization=name != "legacy.pt")
    content = whole.read_bytes()
    (tmp_path / name).write_bytes(b"hello" * 20 if name.startswith("text") else content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"^[a-z.]+ was not written to its end, or is something else; save the weigh"):
        reading(tmp_path / name, weights_only=weights_only)
    (tmp_path / name).write_bytes(content)
    assert torch.equal(reading(tmp_path / name, weights_only=weights_only)["a"], weights["a"])
