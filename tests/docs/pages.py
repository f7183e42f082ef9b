"""The pages of the documentation, their links, headings and code blocks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", ROOT / "leaderboard.md", *ROOT.glob("docs/*.md"), *ROOT.glob("baselines/*.md"),
                 *ROOT.glob("rlbench/envs/*/*.md"))
)  # fmt: skip

TASK_PAGES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("results/tasks/*.md"))
"""The pages of tasks, which the leaderboard leads to."""


def text(page: str) -> str:
    """A page, read."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page that are marked with this language; the empty one for shell commands."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text(page), flags=re.DOTALL | re.MULTILINE)


def prose(page: str) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", text(page), flags=re.DOTALL | re.MULTILINE)


def links(page: str) -> list[str]:
    """The targets of a page's links and pictures that are no web addresses."""
    return [each.strip("<>") for each in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if "://" not in each]


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


def command_lines(page: str) -> list[list[str]]:
    """Every `rlbench ...` line of the code blocks, and every one in backticks that is a whole command, as words."""
    shell = [line.partition("#")[0].split() for block in blocks(page, "") for line in block.splitlines()]
    inline = [each.split() for each in re.findall(r"`(rlbench [^`]+)`", prose(page))]
    return [words for words in shell + inline if words[:1] == ["rlbench"]]


def tables(page: str, heading: str) -> list[list[dict[str, str]]]:
    """The tables under a heading of the second level, each as rows by the names of its columns."""
    section = prose(page).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\|.*?(?=^[^|]|\Z)", section, flags=re.DOTALL | re.MULTILINE)
    return [_rows(table.strip().splitlines()) for table in found]


def _rows(lines: list[str]) -> list[dict[str, str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]
