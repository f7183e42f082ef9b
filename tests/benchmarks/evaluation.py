"""Seconds of whole evaluations: two blocks at once, one, one on a single core; and agents that load a model of SB3.

`python evaluation.py ROUNDS [short]` prints a JSON object of lists. Each evaluation is a command of its own, as users
start it: of the committed agents in AGENTS; and of a PPO agent of stable-baselines3 on cart-pole, played by its
adapter, by code of its own, and by such code in a fresh Python for each block. The short one leaves most of it out.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.exchange import seconds

ROOT = Path(__file__).parents[2]
PRETRAINED = ROOT / "baselines" / "pretrained"
AGENTS = {
    "cart-pole": "cart-pole@1/*",
    "glimpse": "glimpse-*@1/*",
    "half-cheetah": "half-cheetah-gymnasium@1/ppo-*",
}
"""Which committed agents play, each the tasks that it is submitted to."""

SHORT = {"cart-pole": "cart-pole@1/dqn-s0"}

RLBENCH = "import sys; from rlbench.cli import main; sys.exit(main())"
ONE_CORE = f"import os; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1]); {RLBENCH}"
FRESH = f"from rlbench.harness.kept import Kept; Kept.server = lambda *_: None; {RLBENCH}"
"""The command; on one core; and where each agent's process starts a Python of its own, instead of as a fork."""

MANIFEST = 'name = "ppo"\nversion = "1"\nauthors = ["a test"]\ntasks = ["cart-pole@1"]\nentry = "{}"\n'
OWN_CODE = """
from pathlib import Path
from stable_baselines3 import PPO

class Agent:
    def __init__(self):
        self.model = PPO.load(Path(__file__).with_name("model.zip"), device="cpu")

    def act(self, observation, first):
        return self.model.predict(observation, deterministic=True)[0]

def load(task, spaces, seed):
    return Agent()
"""


def evaluate(program: str, submissions: list[Path], jobs: int) -> None:
    """Evaluate submissions on their tasks, into a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as results:
        words = [*map(str, submissions), "--jobs", str(jobs), "--results", results, "--quiet"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", program, "evaluate", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


def ppo(folder: Path, steps: int) -> dict[str, Path]:
    """Submissions of one model that was trained for so many steps: `adapter`, and `own code`."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    envs = make_vec_env("rlbench/CartPole-v0", 8, seed=0)
    settings = {"n_steps": 64, "batch_size": 256, "n_epochs": 8, "learning_rate": 2e-3, "seed": 0}
    model = PPO("MlpPolicy", envs, device="cpu", **settings).learn(steps)
    folders = {"adapter": folder / "adapter", "own code": folder / "own-code"}
    for name, path in folders.items():
        path.mkdir()
        model.save(path / "model.zip")
        entry = "rlbench:sb3" if name == "adapter" else "agent:load"
        (path / "submission.toml").write_text(MANIFEST.format(entry), encoding="utf-8")
    (folders["own code"] / "agent.py").write_text(OWN_CODE, encoding="utf-8")
    return folders


def measure(rounds: int, short: bool) -> dict[str, list[float]]:
    """Seconds by who plays and jobs, and by how the model of SB3 is played; nothing of that where SB3 is missing."""
    times: dict[str, list[float]] = {}

    def note(name: str, program: str, submissions: list[Path], jobs: int = 1) -> None:
        times.setdefault(name, []).append(seconds(lambda: evaluate(program, submissions, jobs)))

    for who, pattern in (SHORT if short else AGENTS).items():
        for _ in range(rounds):
            submissions = sorted(PRETRAINED.glob(pattern))
            for jobs in (1, 2):
                note(f"{who}, {jobs}", RLBENCH, submissions, jobs)
            if not short:
                note(f"{who}, one core", ONE_CORE, submissions)
    if importlib.util.find_spec("stable_baselines3") is None:
        return times
    with tempfile.TemporaryDirectory() as name:
        folders = ppo(Path(name), 512 if short else 20_000)
        for _ in range(rounds):
            note("fresh", FRESH, [folders["own code"]])
            note("adapter", RLBENCH, [folders["adapter"]])
            if not short:
                note("own code", RLBENCH, [folders["own code"]])
    return times


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), "short" in sys.argv)))
