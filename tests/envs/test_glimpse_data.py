"""The shipped MNIST: complete, unharmed, loaded once; and what is said of a file that is not."""

import zipfile

import numpy as np
import pytest

from rlbench.envs.glimpse import data
from rlbench.envs.glimpse.data import SPLITS, mnist
from rlbench.errors import UserError

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


@pytest.fixture(autouse=True)
def forget():
    """Loaded parts are kept per file; another file is another part."""
    yield
    data._part.cache_clear()


def harmed(path, name):
    """The test set as it is shipped, but for one bit of one array."""
    with np.load(data.FILE) as archive:
        arrays = {each: archive[each] for each in ("test_images", "test_labels")}
    arrays[name].flat[123] ^= 1
    np.savez(path, **arrays)
    return path


def test_the_splits_are_those_of_the_database():
    """Counts per class as published: 5,923 zeros to 5,949 nines in training, 980 to 1,009 in the test set."""
    parts = {split: mnist(split) for split in SPLITS}
    assert {split: images.shape for split, (images, _) in parts.items()} == {
        "train": (55_000, 28, 28),
        "validation": (5_000, 28, 28),
        "test": (10_000, 28, 28),
    }
    both = np.concatenate([parts["train"][1], parts["validation"][1]])
    assert np.bincount(both).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(parts["test"][1]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert parts["train"][1][:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


def test_images_are_shared_and_cannot_be_written():
    images, labels = mnist("train")
    assert np.shares_memory(images, mnist("validation")[0].base)
    assert np.shares_memory(images, mnist("train")[0])
    for array in (images, labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_file_is_small_and_its_licence_lies_beside_it():
    assert data.FILE.stat().st_size < 20_000_000
    text = data.FILE.with_name("MNIST.md").read_text(encoding="utf-8")
    assert "Creative Commons Attribution-Share Alike 3.0" in text
    assert "http://yann.lecun.com/exdb/mnist/" in text
    assert "The test images and their labels are public" in text


@pytest.mark.parametrize("array", ["test_images", "test_labels"])
def test_one_changed_bit_is_found(tmp_path, monkeypatch, array):
    file = harmed(tmp_path / "mnist.npz", array)
    monkeypatch.setattr(data, "FILE", file)
    with pytest.raises(UserError, match=rf"{file} is damaged: {array} has MD5 \w+, not {data.MD5[array]}; install"):
        mnist("test")


def test_a_torn_a_missing_and_a_foreign_file_are_named(tmp_path, monkeypatch):
    torn, foreign, other = tmp_path / "torn.npz", tmp_path / "foreign.npz", tmp_path / "other.npz"
    torn.write_bytes(data.FILE.read_bytes()[:100_000])
    foreign.write_text("not an archive", encoding="utf-8")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("something.npy", b"")
    for file, message in (
        (torn, "is damaged: train_images cannot be read"),
        (foreign, "is damaged"),
        (other, "is damaged"),
        (tmp_path / "none.npz", "is missing; install rlbench again"),
    ):
        monkeypatch.setattr(data, "FILE", file)
        with pytest.raises(UserError, match=f"{file} {message}"):
            mnist("train")


def test_the_header_is_that_of_an_idx_file():
    """The first 16 bytes of train-images-idx3-ubyte and the first 8 of its labels, as published."""
    assert data.idx_header(np.zeros((60_000, 28, 28), np.uint8)).hex() == "00000803" + "0000ea60" + "0000001c" * 2
    assert data.idx_header(np.zeros(60_000, np.uint8)).hex() == "00000801" + "0000ea60"
