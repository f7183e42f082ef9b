"""Every page of the documentation: its links lead somewhere, its commands and files exist."""

import re

import pytest

from rlbench import cli
from rlbench.cli import COMMANDS
from rlbench.commands.shared import agents
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.suite import TASKS
from rlbench.registry import ATARI_GAMES, ENVIRONMENTS
from tests.docs.pages import PAGES, ROOT, TASK_PAGES, anchors, command_lines, links, prose, text

PLACES = {"COMMAND", "X", "NAME", "..."}
"""Words that stand for others in commands."""


@pytest.mark.parametrize("page", [*PAGES, *TASK_PAGES])
def test_every_link_leads_somewhere(page):
    for link in links(page):
        target, _, anchor = link.partition("#")
        path = ((ROOT / page).parent / target).resolve() if target else ROOT / page
        assert path.exists(), link
        if anchor:
            assert anchor in anchors(path.relative_to(ROOT).as_posix()), link


@pytest.mark.parametrize("page", [*PAGES, *TASK_PAGES])
def test_every_page_can_be_reached_from_the_readme(page):
    seen, ahead = set(), ["README.md"]
    while ahead:
        here = ahead.pop()
        if here not in seen and here.endswith(".md"):
            seen.add(here)
            targets = (((ROOT / here).parent / link.partition("#")[0]).resolve() for link in links(here))
            ahead += [each.relative_to(ROOT).as_posix() for each in targets]
    assert page in seen


@pytest.mark.parametrize("page", [*PAGES, *TASK_PAGES])
def test_every_command_parses(page, monkeypatch):
    """A command that stands alone in the text, such as `rlbench watch`, is a name; all others are whole."""
    for words in command_lines(page):
        if len(words) == 1 or PLACES & set(words) or words[1].startswith("-"):
            continue
        assert words[1] in COMMANDS, " ".join(words)
        if len(words) > 2 and words[-1] != "--help":
            monkeypatch.setattr(f"rlbench.commands.{words[1].replace('-', '_')}.run", lambda options: 0)
            assert cli.main(words[1:]) == 0, " ".join(words)


@pytest.mark.parametrize("page", [*PAGES, *TASK_PAGES])
def test_every_file_that_is_named_exists(page):
    for name in re.findall(r"`((?:rlbench|baselines|tests|docs)/[\w./-]+)`", prose(page)):
        assert re.search(r"-v\d$", name) or (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES)
def test_every_target_and_script_exists(page):
    """`make TARGET`, `python -m MODULE` and `python FILE`, in the text and in code blocks."""
    targets = re.findall(r"^([a-z-]+):", text("Makefile"), flags=re.MULTILINE)
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", text(page), flags=re.MULTILINE):
        assert target in targets, target
    for module in re.findall(r"python -m (baselines[\w.]+)", text(page)):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module
    for script in re.findall(r"python ((?:tests|baselines)/[\w/]+\.py)", text(page)):
        assert (ROOT / script).exists(), script


@pytest.mark.parametrize("page", [*PAGES, *TASK_PAGES])
def test_code_fits_the_page(page):
    for block in re.findall(r"^```.*?^```$", text(page), flags=re.DOTALL | re.MULTILINE):
        assert max(map(len, block.splitlines())) <= 122, block


def test_the_readme_is_two_screens():
    assert len(text("README.md").splitlines()) <= 90


def test_the_page_about_the_baselines_lists_their_folders_and_algorithms():
    page, folder = text("baselines/README.md"), ROOT / "baselines"
    folders = {path.name for path in folder.iterdir() if path.is_dir()} - {"__pycache__", "algorithms"}
    assert set(re.findall(r"^\| `(\w+)/`", page, flags=re.MULTILINE)) == folders
    listed = re.findall(r"^\| `(\w+)\.py`", page, flags=re.MULTILINE)
    assert sorted(listed) == sorted(name.replace("-", "_") for name in agents.algorithms())


def test_environments_games_and_tasks_are_counted():
    others = [each for each in ENVIRONMENTS if "atari" not in each.tags]
    counts = f"{len(others)} environments and {len(ATARI_GAMES)} games, {len(TASKS)} tasks"
    assert counts in text("docs/commands.md")
    assert f"{len(ATARI_GAMES)} games" in text("README.md")


def test_the_page_about_submitting_says_how_long_a_call_may_take():
    assert f"answers a call within {Limits().act:g} s" in prose("docs/submitting.md")
