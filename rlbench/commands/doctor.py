"""`rlbench doctor`: check Python, the surroundings, packages, simulators, the harness and the results, with advice."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from rlbench.commands.doctoring import isolation, surroundings
from rlbench.commands.doctoring.check import Check
from rlbench.commands.doctoring.devices import check_gpu, check_torch
from rlbench.commands.shared.output import Format, Output, Quiet, print_table, table_of, write
from rlbench.commands.shared.tables import printable
from rlbench.commands.shared.working_folder import require_working_folder
from rlbench.errors import UserError, counted
from rlbench.streams import MAX_COLUMNS, columns

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OLDEST_PYTHON = (3, 10)


@dataclass(frozen=True)
class DoctorOptions:
    """Check the installation; exit with 1 if something is broken."""

    results: Path = Path("results")
    """Folder of the records."""
    output: Output = Path("leaderboard.md")
    """Page of the leaderboard."""
    quiet: Quiet = False
    """Print only checks that are not ok."""
    format: Format = "table"


def run(options: DoctorOptions) -> int:
    """Print all checks; 1 if one fails, else 0."""
    require_working_folder()
    checks = list(examine(options))
    shown = [check for check in checks if check.status != "ok"] if options.quiet else checks
    if options.format == "table":
        write("".join(f"{line}\n" for check in shown for line in lines(check, columns() or MAX_COLUMNS)))
    else:
        frame = table_of(map(asdict, shown), [field.name for field in fields(Check)])
        print_table(frame, options.format)
    return int(any(check.status == "fail" for check in checks))


def lines(check: Check, width: int) -> list[str]:
    """A check for people: one line, or more where it does not fit, each flush with the first.

    Args:
        check: the row.
        width: columns of the terminal.
    """
    head = f"{check.status:<{len('fail')}}  {check.check:<{len('temporary files')}}  "
    text = f"{check.found}: {check.advice}" if check.advice else check.found
    if width < 2 * len(head):
        return [head.strip(), *wrapped(text, width, "  ")]
    first, *others = wrapped(text, width, " " * len(head))
    return [head + first[len(head) :], *others]


def wrapped(text: str, width: int, indent: str) -> list[str]:
    """Lines of a text, with blanks before each and no word broken; one where there is none."""
    wrapper = textwrap.TextWrapper(
        width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(printable(" ".join(text.split()))) or [indent]


def examine(options: DoctorOptions) -> Iterator[Check]:
    """Make all checks in order."""
    checks: dict[str, Callable[[], Iterable[Check]]] = {
        "python": lambda: [check_python(sys.version_info[:3])],
        "home": lambda: [surroundings.check_home()],
        "temporary files": lambda: [surroundings.check_temporary_folder()],
        "locale": lambda: [surroundings.check_locale()],
        "terminal": lambda: [surroundings.check_terminal()],
        "cores": lambda: [surroundings.check_cores()],
        "arithmetic": lambda: [surroundings.check_arithmetic()],
        "limits": surroundings.check_limits,
        "packages": lambda: check_packages(requirements(), versions()),
        "pygame": lambda: [check_pygame(versions())],
        "torch": lambda: [check_torch(versions())],
        "GPU": lambda: [check_gpu(versions())],
        "OpenGL": lambda: check_opengl(versions()),
        "GNU Go": lambda: [check_gnugo()],
        "compiled rules": lambda: [check_cache()],
        "harness": lambda: [check_harness()],
        "isolation": lambda: [isolation.check_isolation()],
        "results": lambda: [check_results(options.results, options.output)],
    }
    for name, check in checks.items():
        yield from guarded(name, check)


def guarded(name: str, check: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """Make a check; an exception is a failed check, and the others are still made."""
    try:
        yield from check()
    except UserError as error:
        found, _, advice = str(error).partition("; ")
        yield Check(name, "fail", found, advice)
    except Exception as error:
        broken = isinstance(error, (ImportError, OSError))
        advice = "a package or the machine is broken: install it anew" if broken else "a fault of rlbench: report it"
        yield Check(name, "fail", " ".join(f"{type(error).__name__}: {error}".split()), advice)


def versions() -> dict[str, str]:
    """Versions of all installed distributions, by canonical name."""
    return {canonical(d.name): d.version for d in importlib.metadata.distributions() if d.name}


def canonical(name: str) -> str:
    """Name of a distribution in its canonical spelling: `Some_Thing` is `some-thing`."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def requirements(package: str = "rlbench") -> dict[str, list[Requirement]]:
    """What a package requires on this machine, by extra; without extras under ''. Empty where it is not installed."""
    from packaging.requirements import Requirement

    try:
        metadata = importlib.metadata.metadata(package)
    except importlib.metadata.PackageNotFoundError:
        return {}
    declared = [Requirement(line) for line in metadata.get_all("Requires-Dist") or []]
    always = [need for need in declared if need.marker is None or need.marker.evaluate({"extra": ""})]
    optional = [need for need in declared if need not in always]
    return {"": always} | {
        extra: [need for need in optional if need.marker is not None and need.marker.evaluate({"extra": extra})]
        for extra in metadata.get_all("Provides-Extra") or []
        if extra != "all"  # the others together
    }


def check_python(version: tuple[int, ...]) -> Check:
    """Whether this version of Python is supported."""
    found = f"{'.'.join(map(str, version))} ({sys.executable})"
    if version[:2] >= OLDEST_PYTHON:
        return Check("python", "ok", found)
    return Check("python", "fail", found, f"use Python {'.'.join(map(str, OLDEST_PYTHON))} or newer")


def check_packages(needs: Mapping[str, Sequence[Requirement]], installed: Mapping[str, str]) -> Iterator[Check]:
    """One row for the package itself, one for each requirement and one for each extra.

    Args:
        needs: requirements by extra.
        installed: versions by name.
    """
    if not needs:
        yield Check("rlbench", "warn", "runs from a folder, not installed", "make .venv/.installed")
        return
    yield Check("rlbench", "ok", installed["rlbench"])
    for need in needs[""]:
        missing = unmet([need], installed)
        found = installed.get(canonical(need.name), "missing")
        yield Check(need.name, "fail" if missing else "ok", found, install(missing) if missing else "")
    for extra, members in needs.items():
        if extra:
            missing = unmet(members, installed)
            there = [f"{need.name} {installed[canonical(need.name)]}" for need in members if need not in missing]
            absent = [f"no {need.name}{need.specifier}" for need in missing]
            advice = f'pip install "rlbench[{extra}]"' if missing else ""
            yield Check(f"extra {extra}", "warn" if missing else "ok", ", ".join([*there, *absent]), advice)


def check_opengl(installed: Mapping[str, str]) -> Iterator[Check]:
    """Whether MuJoCo's renderer works, where MuJoCo is."""
    if "mujoco" in installed:
        from rlbench.envs.locomotion.mujoco_bindings import import_mujoco
        from rlbench.envs.locomotion.opengl import REMEDIES, working_backend

        import_mujoco()  # which a wrong MUJOCO_GL keeps from being imported
        backend = working_backend()
        if backend is None:
            yield Check("OpenGL", "warn", "robots are drawn as sticks", f"for MuJoCo's pictures install {REMEDIES}")
        else:
            yield Check("OpenGL", "ok", backend)


def check_gnugo() -> Check:
    """Whether GNU Go is there, an opponent in Go."""
    from gymnasium.error import DependencyNotInstalled

    from rlbench.envs.go.engines import find_program, version

    try:
        return Check("GNU Go", "ok", version(find_program("gnugo:1"), 9, 7.0))
    except DependencyNotInstalled:
        return Check("GNU Go", "warn", "not installed, an opponent in Go", "apt install gnugo")


def unmet(needs: Iterable[Requirement], installed: Mapping[str, str]) -> list[Requirement]:
    """Requirements that no installed distribution meets."""
    there = {need: installed.get(canonical(need.name)) for need in needs}
    return [
        need
        for need, version in there.items()
        if version is None or not need.specifier.contains(version, prereleases=True)
    ]


def install(needs: Iterable[Requirement]) -> str:
    """The shell command that installs requirements."""
    return "pip install " + " ".join(f'"{need.name}{need.specifier}"' for need in needs)


def check_pygame(installed: Mapping[str, str]) -> Check:
    """Whether pygame is installed, and not both of the distributions that fill the folder `pygame`."""
    there = [name for name in ("pygame", "pygame-ce") if name in installed]
    found = " and ".join(f"{name} {installed[name]}" for name in there) or "none"
    if len(there) == 2:
        advice = "pip uninstall -y pygame pygame-ce && pip install pygame: they overwrite each other's files"
        return Check("pygame", "warn", found, advice)
    advice = "" if there else 'for windows: pip install "rlbench[play]"'
    return Check("pygame", "ok" if there else "warn", found, advice)


def check_cache() -> Check:
    """Whether compiled rules can be stored on disk, and are whole; if not, every process compiles them again."""
    from rlbench.core.compiler import cache

    try:
        folder = cache.cache_folder()
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        advice = "set RLBENCH_CACHE to a folder that can be written"
        return Check("compiled rules", "warn", f"{error}; they are compiled anew in every process", advice)
    if shared := cache.not_private():
        found = f"{shared} is not used, as others can write to it, but {folder}"
        return Check("compiled rules", "warn", found, f"to use it: chmod go-w {shlex.quote(str(shared))}")
    if damaged := cache.damaged():
        found = f"damaged in {folder}: {counted(len(damaged), 'file')}, such as {damaged[0].name}"
        return Check("compiled rules", "warn", found, "they are made anew when they are needed")
    if old := cache.of_old_format():
        found = f"stored in {folder}, with {counted(len(old), 'file')} left by other versions"
        return Check(
            "compiled rules",
            "ok",
            found,
            f"they may be deleted; to empty the cache: rm {shlex.quote(str(folder))}/rlbench_*",
        )
    return Check("compiled rules", "ok", f"stored in {folder}")


def check_harness() -> Check:
    """Whether agents can be evaluated here: the harness needs Linux and sealed memory files."""
    found = f"{platform.system()} {platform.release()}"
    if not hasattr(os, "memfd_create"):
        return Check("harness", "warn", found, "evaluate on Linux; environments and baselines run anywhere")
    import fcntl

    try:
        memory = os.memfd_create("rlbench-doctor", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError as error:
        return Check("harness", "fail", f"{found}, memfd_create: {error}", "allow memfd_create in this container")
    try:
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    except OSError as error:
        return Check("harness", "fail", f"{found}, sealing: {error}", "allow file seals in this container")
    finally:
        os.close(memory)
    return Check("harness", "ok", f"{found}, sealed memory files")


def check_results(results: Path, page: Path) -> Check:
    """Whether all results can be read, and the leaderboard is up to date."""
    from rlbench.api.ranking import load_rankings
    from rlbench.commands import leaderboard
    from rlbench.commands.shared import pages
    from rlbench.commands.shared.runs import load_runs

    options = leaderboard.LeaderboardOptions(results=results, output=page)
    if not results.is_dir():
        return Check("results", "warn", f"no folder {results}", "rlbench run quick")
    try:
        ranked = load_rankings(results)
        unreadable = [f"{run.task}, {run.agent.name}: {run.flaw}" for run in load_runs(results) if run.flaw]
    except (UserError, OSError) as error:
        return Check("results", "fail", str(error))
    if unreadable:
        what = f"{counted(len(unreadable), 'file')} that cannot be ranked, the first of {unreadable[0]}"
        return Check("results", "fail", what, "rlbench leaderboard lists all; mend them or take them out")
    stale = pages.difference(ranked, results, page)
    found = f"{counted(sum(map(len, ranked.tasks.values())), 'row')} on {counted(len(ranked.tasks), 'task')}"
    if stale is None:
        return Check("results", "ok", f"{found}, {page} is up to date")
    return Check("results", "warn", f"{found}, {stale}", leaderboard.command(options))
