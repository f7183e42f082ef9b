"""A submission: a folder with an agent in it, checked without running any of it."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

from rlbench.errors import UserError, unknown
from rlbench.harness.adapters import folder as adapters
from rlbench.harness.contents import digest, files, played
from rlbench.harness.layers import player
from rlbench.harness.layers.graph import GraphError
from rlbench.harness.manifest import MANIFEST, default_owner, read_manifest
from rlbench.harness.search_player import folder as search_player
from rlbench.harness.tasks.task import Task
from rlbench.search.files import ENTRY as SEARCH_ENTRY

MAX_CHECKED = 1 << 18
"""Bytes of a source that is compiled here, to find mistakes early; a larger one is left to the agent's process."""

RESERVED = "rlbench"
"""The module of an entry that rlbench plays itself."""

MAX_GRAPH = 1 << 24
"""Bytes of a graph of layers, which is parsed here."""

BUILTIN = Path(__file__).parent / "builtin"
"""Folder of the built-in submissions, which can be given by name instead of a path."""


@dataclass(frozen=True)
class Submission:
    """A folder with `submission.toml` and the module of its entry, a graph of layers, or what another library saved."""

    folder: Path
    name: str
    """Name of the agent: its versions and training seeds share it."""

    version: str
    authors: tuple[str, ...]
    owner: str
    """Who answers for its runs: the authors, unless the manifest names somebody."""

    contact: str | None
    """How to reach the owner."""

    tasks: tuple[str, ...]
    """Keys of the tasks that it plays; `*` for every task, none where it was trained on no task."""

    module: str
    function: str
    """The entry point `module:function`, which is called as load(task, spaces, seed)."""

    training_seed: int | None
    training_steps: int | None
    training_device: str | None
    """The model of the GPU, or of what else, that it was trained on; None where the manifest does not say."""

    training_precision: str | None
    """In which it was trained, such as `float32` or `tf32`; None likewise."""

    device: str
    """Where it computes: `cpu` or `cuda`."""

    digest: str
    """Sha256 of the folder, from `digest`."""

    contents: str
    """Sha256 of what plays, from `contents.played`: without names, authors and training seed."""

    player: str | None
    """The digest of the player where the submission is data only, or of the adapters where another library saved it;
    None where the entry is code of its own."""

    copy: Path | None = None
    """The private copy of the folder that is played, see `isolation.private_copy`; None where there is none yet."""

    def plays(self, task: Task) -> bool:
        """Whether the submission lists the task."""
        return "*" in self.tasks or task.key in self.tasks


def read(path: str | Path) -> Submission:
    """The submission in a folder, or the built-in one of that name; a UserError for anything malformed."""
    builtin = isinstance(path, str) and path in builtins()
    folder = _folder(BUILTIN / path if builtin else Path(path))
    if folder is None:
        if os.path.isfile(path):  # False for what cannot be a path, too
            raise UserError(
                f"no submission at {path}: it is a file; of a trained model, `rlbench new-agent DIR --kind sb3 "
                f"--weights {path}` makes one, of kind sb3, cleanrl or torchrl"
            )
        names = " or ".join(builtins())
        raise UserError(f"no submission at {path}: give a folder that holds {MANIFEST}, or {names}")
    manifest = folder / MANIFEST
    fields = read_manifest(manifest)
    contents = files(folder)
    entry = fields.pop("entry")
    module, function = entry.split(":")
    played_by = _player(folder, contents, entry)
    if played_by is None:
        if module == RESERVED:
            raise UserError(f"{manifest}: {unknown('entry', entry, [*_DATA_ONLY, *adapters.ENTRIES])}")
        _check_source(folder / f"{module}.py", manifest)
    return Submission(
        folder,
        module=module,
        function=function,
        digest=digest(folder),
        contents=played(folder, MANIFEST, [entry, fields["device"]]),
        player=played_by,
        **{**fields, "owner": fields["owner"] or default_owner(fields["authors"])},
    )


def _folder(path: Path) -> Path | None:
    """The folder at a path; None where there is none."""
    try:
        return path.resolve() if path.is_dir() else None
    except (OSError, RuntimeError):  # a name that is too long, a link to itself
        return None


def builtins() -> list[str]:
    """The names of the built-in submissions."""
    return sorted(path.parent.name for path in BUILTIN.glob(f"*/{MANIFEST}"))


def _player(folder: Path, contents: list[Path], entry: str) -> str | None:
    """The digest of what plays a submission, None for code of its own; a UserError where it cannot be played."""
    if entry in _DATA_ONLY:
        _check_data(folder, contents, entry)
        return str(_DATA_ONLY[entry].digest())
    if entry in adapters.ENTRIES:
        adapters.read(folder, entry)
        return adapters.digest()
    return None


def _check_source(source: Path, manifest: Path) -> None:
    """A UserError where the agent's module is missing or is not Python; it is compiled, never run."""
    try:
        with source.open("rb") as file:
            text = file.read(MAX_CHECKED + 1)
    except PermissionError as error:
        raise UserError(f"cannot read {source}: {error.strerror}; entry in {manifest} asks for it") from None
    except OSError:
        raise UserError(f"no {source.name} in {source.parent}, which entry in {manifest} asks for") from None
    if len(text) > MAX_CHECKED:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about the submission's code are not for whoever evaluates it
            compile(text, source.name, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise UserError(f"{source}, line {error.lineno}: syntax error, {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; nesting beyond the parser
        raise UserError(f"{source} is not Python: {error}") from None


_DATA_ONLY = {player.ENTRY: player, SEARCH_ENTRY: search_player}
"""Modules that read data-only submissions, by entry."""


def _check_data(folder: Path, contents: list[Path], entry: str) -> None:
    """A UserError where a data-only submission is malformed or holds code, which nobody would run."""
    if code := [path for path in contents if path.suffix == ".py"]:
        raise UserError(f"{code[0]} would never run, as entry is {entry}; remove it, or name a function of it as entry")
    large = [path for path in contents if path.name == player.GRAPH and path.stat().st_size > MAX_GRAPH]
    if large:
        raise UserError(f"{large[0]} has more than {MAX_GRAPH >> 20} MiB; no network needs that many layers")
    try:
        _DATA_ONLY[entry].read(folder)
    except GraphError as error:
        raise UserError(f"{folder}: {error}") from None
