"""`rlbench merge`: several folders of results into one; conflicts are named, and nothing is overwritten."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from rlbench.commands.shared.output import Format, Quiet, print_table, table_of, write
from rlbench.errors import UserError
from rlbench.harness.joining import join
from rlbench.harness.merging import ADDED, CONFLICT, CONTINUED, REFUSED, THERE, Merged, merge
from rlbench.harness.results import parts

COLUMNS = ("file", "of", "outcome", "why")


@dataclass(frozen=True)
class MergeOptions:
    """Merge folders of results into one: add what it lacks, name what differs, overwrite nothing."""

    folders: Annotated[Positional[tuple[Path, ...]], tyro.conf.arg(metavar="DIR...")]
    """Folders of results, as `rlbench evaluate --results DIR` writes them; the parts that shards have played are put
    together."""
    results: Path = Path("results")
    """Folder that they are merged into."""
    quiet: Quiet = False
    """Print nothing but what was not merged."""
    format: Format = "table"


def run(options: MergeOptions) -> int:
    """Merge, and print what became of the files; 1 where one was not merged, else 0."""
    if not options.folders:
        raise UserError("missing: DIR...; `rlbench merge --help` tells more")
    found = [each for folder in options.folders for each in merged(folder, options.results)]
    found += join(options.folders, options.results)
    left = [each for each in found if each.outcome in (CONFLICT, REFUSED)]
    told = left if options.quiet else [each for each in found if each in left or (each.why and each.outcome != THERE)]
    shown = told if options.format == "table" else found
    if shown or options.format != "table":
        rows = [
            dict(zip(COLUMNS, (each.file, str(each.source), each.outcome, each.why), strict=True)) for each in shown
        ]
        print_table(table_of(rows, COLUMNS), options.format)
    if options.format == "table" and not options.quiet:
        counts = Counter(each.outcome for each in found)
        some = [f"{counts[name]:,} {name}" for name in (ADDED, CONTINUED, THERE, CONFLICT, REFUSED) if counts[name]]
        write(f"{options.results}: {', '.join(some) or 'nothing to merge'}\n")
    return int(bool(left))


def merged(folder: Path, results: Path) -> list[Merged]:
    """What became of the files of a folder; none where it is `results` itself, in which shards have played."""
    if parts.find(folder) and folder.resolve() == results.resolve():
        return []
    return list(merge(folder, results))
