"""Measures all benchmarks in three processes, one after the other, and writes docs/speed.md.

    python tests/benchmarks/report.py speed        # `make perf`
    python tests/benchmarks/report.py training     # `make perf-training`

The figures of each set are kept in docs/speed.json, of which the page, and the table in README.md, are made. With
BENCHMARK_SIZE=short all of it only runs once, for a minute or two, and nothing is kept.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = Path("tests/benchmarks")
SETS = {
    "speed": ([str(FOLDER), "--ignore", str(FOLDER / "training")], "make perf", "Environments and harness"),
    "training": ([str(FOLDER / "training")], "make perf-training", "Training"),
}
"""What pytest runs, the target that does, and the heading on the page."""
PACKAGES = {
    "speed": (
        *("gymnasium", "numpy", "numba", "torch", "ale-py", "mujoco"),
        *("envpool", "gymnax", "jax", "open_spiel", "pettingzoo"),
    ),
    "training": ("gymnasium", "numpy", "torch", "ale-py", "mujoco", "stable-baselines3"),
}
IN_README = (
    "single cart-pole, with wrappers",
    "cart-pole, 1,024 environments",
    "Pong, 32 games at once",
    "HalfCheetah, 64 robots, 2 threads",
    "Swimmer, 64 robots, 2 threads",
    "Go 9x9, 64 boards, random legal moves",
    "DQN, until cart-pole is held",
    "PPO on half-cheetah, one thread",
)
"""Figures that README.md shows, too."""
PEERS_IN_README = {
    "cart-pole, 1,024 environments": ("Gymnasium's `CartPoleVectorEnv`",),
    "Go 9x9, 64 boards, random legal moves": (
        "OpenSpiel, its observations written into an array",
        "EnvPool's ChineseGo",
    ),
}
"""Against which peers, where not against all."""
MARK = "<!-- written by make perf -->"


def measure(name: str) -> tuple[dict[str, Any], int]:
    """What pytest-benchmark saves of one process that runs a set of benchmarks, and its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "benchmarks.json"
        flags = ["-q", "-s", "--benchmark-enable", "--benchmark-only", "--benchmark-quiet"]
        command = [sys.executable, "-m", "pytest", *SETS[name][0], *flags, f"--benchmark-json={saved}"]
        status = subprocess.run(command, cwd=ROOT).returncode
        return json.loads(saved.read_text(encoding="utf-8")), status


def collect(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The figures of all processes: those of the same line together, in the order of the first process."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for run in runs:
        for benchmark in run["benchmarks"]:
            for figure in benchmark["extra_info"].get("figures", ()):
                value = figure.pop("value")
                row = {"section": benchmark["group"], **figure, "values": []}
                rows.setdefault((row["what"], row["against"]), row)["values"].append(value)
    return list(rows.values())


def missed(figures: Iterable[dict[str, Any]]) -> list[str]:
    """A line for every figure whose median over the processes is out of its bounds."""
    lines = []
    for row in figures:
        value, least, most = median(row["values"]), row["least"], row["most"]
        if (least is not None and value < least) or (most is not None and value > most):
            bound = f"at least {least:.3g}" if least is not None else f"at most {most:.3g}"
            lines.append(f"{row['what']}, against {row['against']}: {value:.3g}, expected {bound}")
    return lines


def machine(run: dict[str, Any]) -> str:
    """The processor and its cores, in words."""
    cpu = run["machine_info"]["cpu"]
    return f"{cpu.get('brand_raw', 'an unnamed processor')}, {os.cpu_count()} cores"


def versions(name: str) -> str:
    """Python's version, and those of the packages that a set of benchmarks uses."""
    python = ".".join(map(str, sys.version_info[:3]))
    return ", ".join([f"Python {python}", *(f"{each} {importlib.metadata.version(each)}" for each in PACKAGES[name])])


def interval(values: list[float]) -> str:
    """The smallest and the largest of some figures, each to three digits at most."""

    def digits(value: float) -> str:
        return f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"

    low, high = digits(min(values)), digits(max(values))
    return low if low == high else f"{low} to {high}"


def cells(row: dict[str, Any]) -> tuple[str, str, str]:
    """What, against what, and the range, as README.md and docs/speed.md show them."""
    unit = "" if row["unit"] == "times as fast" else f" {row['unit']}"
    return row["what"], row["against"], interval(row["values"]) + unit


def page(speed: dict[str, Any]) -> str:
    """The text of docs/speed.md."""
    lines = [
        "# Speed",
        "",
        "Written by `make perf` and `make perf-training`; edits are overwritten. A figure says how many times as fast",
        "rlbench is as its peer (2: in half the time), unless a unit stands beside it. Both sides run in turn in one",
        "process, and the median of several rounds counts; the range is over the processes of a measurement. On a busy",
        "machine the figures of batches fall most, as they lose their second core.",
    ]
    for name, taken in speed.items():
        _, target, heading = SETS[name]
        lines += ["", f"## {heading}", ""]
        processes = f"{taken['processes']} process{'es' * (taken['processes'] > 1)}"
        lines += [f"Taken by `{target}` on {taken['date']} in {processes}, on {taken['machine']}, with"]
        lines += [f"a load average of {taken['load']} before. {taken['versions']}."]
        for section in dict.fromkeys(row["section"] for row in taken["figures"]):
            lines += ["", f"### {section}", "", "| what | against | times as fast | what limits it |"]
            lines += ["| --- | --- | ---: | --- |"]
            rows = [row for row in taken["figures"] if row["section"] == section]
            lines += [f"| {' | '.join(cells(row))} | {row['limit']} |" for row in rows]
    return "\n".join(lines) + "\n"


def readme_table(speed: dict[str, Any]) -> str:
    """The table of README.md."""
    rows = [row for taken in speed.values() for row in taken["figures"] if row["what"] in IN_README]
    rows = [row for row in rows if row["against"] in PEERS_IN_README.get(row["what"], (row["against"],))]
    rows.sort(key=lambda row: IN_README.index(row["what"]))
    lines = ["| what | against | times as fast |", "| --- | --- | ---: |"]
    return "\n".join([*lines, *(f"| {' | '.join(cells(row))} |" for row in rows)]) + "\n"


def write(speed: dict[str, Any]) -> None:
    """Write the page, and the table in README.md between its two marks."""
    (ROOT / "docs" / "speed.md").write_text(page(speed), encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    before, _, after = readme.split(f"{MARK}\n")
    (ROOT / "README.md").write_text(f"{before}{MARK}\n\n{readme_table(speed)}\n{MARK}\n{after}", encoding="utf-8")


def main() -> int:
    """Measure one set, keep its figures, write the page; 1 where one failed or is slower than expected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--processes", type=int, default=3, help="how often all is measured")
    arguments = parser.parse_args()
    load = f"{os.getloadavg()[0]:.1f}"
    runs, statuses = zip(*(measure(arguments.set) for _ in range(arguments.processes)), strict=True)
    if os.environ.get("BENCHMARK_SIZE") == "short":
        return max(statuses)  # every benchmark works; such figures are not worth keeping
    kept = ROOT / "docs" / "speed.json"
    speed = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    speed[arguments.set] = {
        "date": date.today().isoformat(),
        "processes": arguments.processes,
        "machine": machine(runs[0]),
        "load": load,
        "versions": versions(arguments.set),
        "figures": collect(runs),
    }
    speed = {name: speed[name] for name in SETS if name in speed}
    kept.write_text(json.dumps(speed, indent=1) + "\n", encoding="utf-8")
    write(speed)
    lines = missed(speed[arguments.set]["figures"])
    print(*lines, sep="\n")
    return max(*statuses, len(lines) > 0)


if __name__ == "__main__":
    sys.exit(main())
