"""What an adapter finds in a folder: mistakes are one line, and nothing that was saved is opened to find them."""

import pickle
import sys

import pytest

from rlbench.errors import LackingError, UserError
from rlbench.harness import submission
from rlbench.harness.adapters import folder
from rlbench.harness.isolation import worker


@pytest.fixture
def saved(submit):
    """A folder for an adapter, with a file of this content, and `adapter.toml`."""

    def write(kind, content=b"PK\5\6" + bytes(18), settings=None, **fields):
        path = submit(source="", entry=f"rlbench:{kind}", **fields)
        (path / "agent.py").unlink()
        (path / folder.ADAPTERS[kind].settings.model).write_bytes(content)
        if settings is not None:
            (path / folder.SETTINGS).write_text(settings, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("kind", folder.ADAPTERS)
def test_a_folder_with_a_model_alone_will_do(kind, saved):
    entrant = submission.read(saved(kind))
    assert (entrant.module, entrant.function, entrant.player) == ("rlbench", kind, folder.digest())


def test_settings_are_read(saved):
    path = saved("cleanrl", settings='activation = "tanh"\nstrides = [3, 1]\ndeterministic = false\n')
    assert folder.read(path, "rlbench:cleanrl") == folder.CleanRLSettings(
        activation="tanh", strides=(3, 1), deterministic=False
    )


def test_settings_are_in_the_digest_of_what_plays(saved):
    before = submission.read(saved("sb3")).contents
    assert submission.read(saved("sb3", settings="deterministic = false\n")).contents != before


MISTAKES = {
    "a misspelt setting": ("sb3", "determinstic = false", "did you mean deterministic?"),
    "a word for a truth": ("sb3", 'deterministic = "no"', "write true or false"),
    "a path elsewhere": ("sb3", 'model = "../model.zip"', "the path of a file in the folder"),
    "an absolute path": ("torchrl", 'model = "/etc/passwd"', "the path of a file in the folder"),
    "no such model": ("torchrl", 'model = "best.pt"', "no best.pt in"),
    "no such statistics": ("sb3", 'normalization = "n.pkl"', "not in the folder; copy it there"),
    "no function": ("torchrl", 'build = "make"', '"module:function" of the folder'),
    "a stride of none": ("cleanrl", "strides = [0]", "whole numbers from 1 on"),
    "no TOML": ("cleanrl", "activation = tanh", "cannot be read as TOML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_the_settings_are_one_line(mistake, saved):
    kind, settings, words = MISTAKES[mistake]
    with pytest.raises(UserError) as e:
        submission.read(saved(kind, settings=settings))
    assert words in str(e.value)
    assert "\n" not in str(e.value)


def test_a_model_that_was_not_written_to_its_end(saved):
    with pytest.raises(UserError, match=r"was not written to its end, .* save it again by model.save"):
        submission.read(saved("sb3", content=b"PK\3\4 and half of it"))
    with pytest.raises(UserError, match="was not written to its end"):
        submission.read(saved("torchrl", content=b""))
    for kind in ("torchrl", "cleanrl"):
        for content in (b"PK\3\4 and half of it", b"hello"):
            with pytest.raises(UserError, match=r"was not written to its end, .* save it again by torch.save"):
                submission.read(saved(kind, content=content))
    submission.read(saved("cleanrl", content=b"\x80\2 as torch wrote before 1.6"))


def test_a_player_that_is_not_known(saved):
    path = saved("sb3")
    text = (path / "submission.toml").read_text(encoding="utf-8")
    (path / "submission.toml").write_text(text.replace("rlbench:sb3", "rlbench:sb4"), encoding="utf-8")
    with pytest.raises(UserError, match="unknown entry 'rlbench:sb4'; did you mean rlbench:sb3"):
        submission.read(path)


class Explodes:
    def __reduce__(self):
        return exit, (3,)


@pytest.mark.parametrize("kind", folder.ADAPTERS)
def test_a_pickle_is_not_opened_by_the_harness(kind, saved):
    path = saved(kind, content=pickle.dumps(Explodes()) + b"PK\5\6" + bytes(18))
    assert submission.read(path).player == folder.digest()


def test_a_library_that_is_not_installed_is_named(saved, monkeypatch):
    pytest.importorskip("tensordict", reason="pip install 'rlbench[peers]'")
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchrl"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "torchrl", None)
    monkeypatch.delitem(sys.modules, "rlbench.harness.adapters.torchrl", raising=False)
    with pytest.raises(LackingError, match="plays with torchrl, which is not installed: pip install torchrl"):
        worker.adapted(str(saved("torchrl")), "rlbench:torchrl", None, 0, "cpu")
