"""Philox against its authors' answers and NumPy's generator of the same family; its draws, on two devices."""

import numpy as np
import pytest
import torch

from baselines.data.draws import CounterGenerator, philox, round_keys
from tests.pretend_device import LOG, pretend_device

CPU = torch.device("cpu")


def philox_in_python(counter, key, bits, multipliers, weyl):
    """The paper's figure in whole numbers, for words of either size."""
    mask = (1 << bits) - 1
    x_0, x_1, x_2, x_3 = counter
    for _ in range(10):
        p_0, p_1 = multipliers[0] * x_0, multipliers[1] * x_2
        x_0, x_1, x_2, x_3 = (p_1 >> bits) ^ x_1 ^ key[0], p_1 & mask, (p_0 >> bits) ^ x_3 ^ key[1], p_0 & mask
        key = [(k + w) & mask for k, w in zip(key, weyl, strict=True)]
    return [x_0, x_1, x_2, x_3]


WORDS_OF_32 = (32, (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85))
WORDS_OF_64 = (64, (0xD2E7470EE14C6C93, 0xCA5A826395121157), (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B))


def in_torch(counter, key):
    multipliers = torch.tensor(WORDS_OF_32[1]).view(2, 1)
    return philox(torch.tensor(counter).view(4, 1), round_keys(*key), multipliers).flatten().tolist()


def test_the_recursion_is_numpys():
    """NumPy has Philox with words of 64 bits; it counts before it draws."""
    drawn = np.random.Philox(key=[5, 7], counter=[2, 3, 0, 9]).random_raw(4).tolist()
    assert drawn == philox_in_python([3, 3, 0, 9], [5, 7], *WORDS_OF_64)


def test_words_are_the_recursions():
    rng = np.random.default_rng(0)
    for _ in range(20):
        counter, key = rng.integers(2**32, size=4).tolist(), rng.integers(2**32, size=2).tolist()
        assert in_torch(counter, key) == philox_in_python(counter, key, *WORDS_OF_32)


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([2**32 - 1] * 4, [2**32 - 1] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_words_are_those_that_the_authors_published(counter, key, words):
    """`kat_vectors` of Random123."""
    assert in_torch(counter, key) == words


def test_draws_go_on_from_a_position_and_from_a_checkpoint():
    whole, parts = (CounterGenerator(3, CPU) for _ in range(2))
    drawn = [parts.words(8)]
    resumed = CounterGenerator(3, CPU)
    resumed.restore(parts.state())
    drawn.append(resumed.words(12))
    assert torch.equal(whole.words(20), torch.cat(drawn))
    assert not torch.equal(CounterGenerator(4, CPU).words(20), torch.cat(drawn))
    late = CounterGenerator(3, CPU)
    late.position.fill_(2**33 + 5)  # beyond a word
    expected = philox_in_python([5, 2, 0, 0], [3, 0], *WORDS_OF_32)
    assert late.words(4).tolist() == expected


def test_uniforms_integers_and_permutations_have_their_distributions():
    draws, n = CounterGenerator(1, CPU), 200_000
    u = draws.random((n // 2, 2))
    assert u.shape == (n // 2, 2)
    assert 0 <= u.min() < u.max() < 1
    assert torch.histc(u, 10, 0, 1).sub(n / 10).abs().max() < 5 * (n * 0.09) ** 0.5
    counts = draws.integers(7, size=n).bincount()
    assert len(counts) == 7
    assert counts.sub(n / 7).abs().max() < 5 * (n / 7) ** 0.5
    assert torch.equal(draws.integers(torch.tensor(7), size=50) < 7, torch.ones(50, dtype=torch.bool))
    orders = torch.stack([draws.permutation(4) for _ in range(4_800)])
    _, often = orders.unique(dim=0, return_counts=True)
    assert len(often) == 24
    assert often.sub(200).abs().max() < 5 * 200**0.5


def test_a_device_draws_the_same_without_a_transfer():
    here = CounterGenerator(9, CPU)
    expected = [here.random((5, 3)), here.integers(9, size=6), here.permutation(17)]
    with pretend_device() as device:
        there = CounterGenerator(9, device)
        LOG.__init__()
        drawn = [there.random((5, 3)), there.integers(9, size=6), there.permutation(17)]
        assert LOG.crossings == []
        assert all(torch.equal(a, b.cpu()) for a, b in zip(expected, drawn, strict=True))
