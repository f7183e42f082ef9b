"""Joining the parts of a record that shards have played into the record, as one evaluation would have written it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rlbench.errors import UserError
from rlbench.harness.merging import ADDED, CONFLICT, CONTINUED, REFUSED, THERE, Merged
from rlbench.harness.results import parts, record
from rlbench.harness.results.jsonl import JsonlWriter
from rlbench.harness.results.parts import Part
from rlbench.harness.results.record import Record

MACHINE = ("cpu", "gpu")
"""Fields of a header that may differ between parts: the machine. Versions of packages may not."""


class ConflictError(UserError):
    """Two parts, or a part and the record, have other episodes in one block."""


def join(folders: Sequence[Path], results: Path) -> Iterator[Merged]:
    """Join the parts that lie in several folders; one value per record.

    Args:
        folders: Folders of results in which shards have written.
        results: The folder of the records, which may be one of them.
    """
    found: dict[str, list[Path]] = {}
    for path in (path for folder in folders for path in parts.find(folder)):
        name = f"{path.parent.name}/{path.name.partition(f'.{parts.KIND}-')[0]}.jsonl"
        found.setdefault(name, []).append(path)
    for name, paths in found.items():
        try:
            outcome, why = _joined(paths, results / name)
        except ConflictError as error:
            outcome, why = CONFLICT, str(error)
        except UserError as error:
            outcome, why = REFUSED, str(error)
        if outcome == REFUSED and (others := _of_other_contents(name, found)):
            why += f"; {', '.join(others)} has shards of the same run, by another version or other contents"
        yield Merged(paths[0].parent.parent, name, outcome, why)


def _of_other_contents(name: str, found: Mapping[str, Sequence[Path]]) -> list[str]:
    """The records, of those with parts, that are of the same training run of the same agent, but of another digest."""

    def run(record_name: str) -> list[Any]:
        part = next((part for path in found[record_name] if (part := _read_or_none(path))), None)
        return [part.header[field] for field in ("task", "agent", "owner", "training_seed")] if part else []

    agent = name.rpartition("@")[0]
    alike = [each for each in found if each != name and each.rpartition("@")[0] == agent]
    return [Path(each).stem for each in alike if run(each) and run(each) == run(name)]


def _read_or_none(path: Path) -> Part | None:
    try:
        return parts.read(path)
    except UserError:  # which is told where its own record is joined
        return None


def _joined(paths: Sequence[Path], target: Path) -> tuple[str, str]:
    """What becomes of the parts of one record, and why it is not whole."""
    held = record.read(target)
    read = [part for path in paths if (part := parts.read(path))]
    if not read:
        raise UserError(f"{paths[0]} holds no block yet")
    _refuse_other_headers(read, held, target)
    blocks = _all_blocks(read)
    _refuse_other_episodes(blocks, held, target)
    begun = len(held.blocks) if held else 0
    if held is not None and held.complete:
        return THERE, ""
    last, why = _in_order(blocks, held.blocks if held else [], read[0])
    whole = last == read[0].total_blocks
    if last == begun and not whole:
        return REFUSED, why
    _write(target, held, read, [blocks[number] for number in range(begun, last)], whole)
    return (CONTINUED if held else ADDED) if whole else REFUSED, why


def _refuse_other_headers(read: Sequence[Part], held: Record | None, target: Path) -> None:
    """Raise UserError, naming the field, where parts are not of one run under the same versions."""
    first: Mapping[str, Any] = held.header if held else read[0].header
    where = target if held else read[0].path
    for part in read:
        if (part.path.parent.name, target.name) != record.place(part.header):
            raise UserError(f"{part.path} holds a part of {'/'.join(record.place(part.header))}; give it that name")
        for name in first:
            if name not in MACHINE and first[name] != part.header.get(name):
                what = _difference(first[name], part.header.get(name))
                raise UserError(f"{part.path} was made with another {name} than {where}: {what}; play that shard again")
        if (part.total_blocks, part.total_seconds) != (read[0].total_blocks, read[0].total_seconds):
            raise UserError(f"{part.path} is of a task with other limits than {read[0].path}; play that shard again")


def _difference(one: Any, other: Any) -> str:
    """Two values, of which only the first entry that differs is shown where they are objects."""
    if isinstance(one, dict) and isinstance(other, dict):
        name = next(each for each in (*one, *other) if one.get(each) != other.get(each))
        return f"{name} {other.get(name)}, not {one.get(name)}"
    return f"{other}, not {one}"


def _all_blocks(read: Sequence[Part]) -> dict[int, tuple[list[dict[str, Any]], dict[str, Any]]]:
    """The blocks of all parts; ConflictError where one was played twice with other episodes."""
    blocks: dict[int, tuple[list[dict[str, Any]], dict[str, Any]]] = {}
    for part in read:
        for number, block in part.blocks.items():
            there = blocks.setdefault(number, block)
            if there[0] != block[0]:
                raise ConflictError(f"{part.path} has other episodes in block {number} than another part")
    return blocks


def _refuse_other_episodes(
    blocks: Mapping[int, tuple[list[dict[str, Any]], dict[str, Any]]], held: Record | None, target: Path
) -> None:
    """Raise ConflictError where the record has other episodes than a part in a block that both have."""
    for number in range(len(held.blocks) if held else 0):
        ours = [_plain(line) for line in held.episodes if line["block"] == number] if held else []
        if number in blocks and ours != blocks[number][0]:
            raise ConflictError(f"{target} has other episodes in block {number}, and stays")


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "block"}


def _in_order(
    blocks: Mapping[int, tuple[list[dict[str, Any]], dict[str, Any]]], begun: Sequence[Mapping[str, Any]], part: Part
) -> tuple[int, str]:
    """Up to which block the record can be written, and why no further: one is missing, or the agent's time is up.

    A shard does not know what the agent has taken in others. In a run that plays all blocks, the one in which the time
    for a whole run ends is cut short; so it is played again, by an evaluation that goes on with this record.
    """
    spent = sum(map(_seconds, begun))
    for number in range(len(begun), part.total_blocks):
        if number not in blocks:
            of = part.shard.partition("/")[2]
            return number, f"block {number} of {part.total_blocks} is missing: not all of the {of} shards are here"
        spent += _seconds(blocks[number][1])
        if spent > part.total_seconds:
            limit = f"{part.total_seconds:g} s of a whole run"
            return number, f"with block {number} the agent has taken more than the {limit}; `rlbench evaluate` goes on"
    return part.total_blocks, ""


def _seconds(block: Mapping[str, Any]) -> float:
    return float(block["load_seconds"]) + float(block["act_seconds"])


def _write(
    target: Path,
    held: Record | None,
    read: Sequence[Part],
    blocks: Sequence[tuple[list[dict[str, Any]], dict[str, Any]]],
    whole: bool,
) -> None:
    """Append blocks to a record, with its header where it is new, and its footer where it is whole."""
    lines: list[Mapping[str, Any]] = [] if held else [next(p for p in read if 0 in p.blocks).header]
    for episodes, block in blocks:
        lines += [*episodes, block]
    if whole:
        ends = [line for line in lines if line["kind"] == "block"]
        count = len(held.blocks) if held else 0
        episodes_there = len(held.episodes) if held else 0
        new = sum(line["kind"] == "episode" for line in lines)
        lines.append({"kind": "footer", "blocks": count + len(ends), "episodes": episodes_there + new})
    with JsonlWriter(target) as file:
        file.cut(held.size if held else 0)
        file.append_linked(lines, held.last if held else None, "what was there before is safe")
