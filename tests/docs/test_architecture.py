"""The page about the architecture: it names each room of the two packages, and no other."""

import re

from tests.docs.pages import ROOT, tables

PAGE = "docs/architecture.md"


def code(text):
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def rooms():
    """Folders and modules that the page names, by their paths; folders end with a slash.

    A row whose first cell names one folder names further ones in it, `shared/`, in its second.
    """
    named = set()
    for row in tables(PAGE, "The rooms")[0]:
        own = code(row["folder"])
        named |= {*own, *(own[0] + inner for inner in code(row["what is in it"]) if re.fullmatch(r"\w+/", inner))}
    return named


def test_every_room_is_named_and_exists():
    shipped = {path.parent.relative_to(ROOT).as_posix() + "/" for path in (ROOT / "rlbench").rglob("__init__.py")}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "rlbench").glob("[!_]*.py")}
    there = {*shipped, *modules} - {"rlbench/"}
    assert there - rooms() == set()
    assert {each for each in rooms() if not (ROOT / each).exists()} == set()


def test_every_file_of_the_table_of_changes_exists():
    """A file that is named without its folder lies in that of the one before it, or is one of each environment."""
    (table,) = tables(PAGE, "Where do I change ...")
    for row in table:
        folder = ROOT
        for name in code(row["file"]):
            if "/" in name:
                assert (ROOT / name).exists(), name
                folder = (ROOT / name).parent
            elif re.search(r"\.\w+$", name):
                assert (folder / name).exists() or list((ROOT / "rlbench" / "envs").glob(f"*/{name}")), name
