"""Makes the table of published scores, `rlbench/harness/ranking/published.csv`, of collected figures of others.

    python -m baselines.studies.published_scores --figures FOLDER

FOLDER holds the collections, a CSV each, every row with its source: `mujoco_2026.csv` (means over the raw per-seed
files of SimbaV2 and FlashSAC at two budgets), `mujoco_tianshou_curves.csv`, `mujoco_scores.csv`, `atari_mrq.csv`,
`atari_dopamine_by_budget.csv`, `classic.csv`, `ram.csv` and `glimpse_2026.csv`. What is taken of each, for which task,
and how its protocol differs from the task's is said below; the numbers are the collections' own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from baselines.files import write
from baselines.studies.report import command
from rlbench.errors import UserError
from rlbench.harness.tasks.suite import TASKS

GITHUB = "https://github.com"
COLUMNS = ("task", "agent", "steps", "mean_return", "deviation", "seeds", "protocol", "source", "url")
Row = dict[str, Any]

ROBOTS = {
    "HalfCheetah": "half-cheetah-gymnasium@1",
    "Hopper": "hopper-gymnasium@1",
    "Walker2d": "walker2d-gymnasium@1",
    "Ant": "ant-gymnasium@1",
    "Humanoid": "humanoid-gymnasium@1",
}
FALL = "{} also pays the healthy reward in the step of a fall"
OF_OLDER = {
    "HalfCheetah": ("{} and v5 are identical",),
    "Hopper": (FALL,),
    "Walker2d": (FALL, "the right foot slides more in {}"),
    "Ant": ("not comparable: {} observes and charges other contact forces", FALL),
    "Humanoid": ("not comparable: {} observes other numbers and charges other contact forces", FALL),
}
"""How older versions differ from version 5, which the tasks are: Gymnasium's own "Version History"."""

GAMES = {
    **{"Breakout": "breakout@1", "Pong": "pong@1", "SpaceInvaders": "space-invaders@1", "Seaquest": "seaquest@1"},
    **{"BeamRider": "beam-rider@1", "Enduro": "enduro@1", "Qbert": "qbert@1", "BattleZone": "battle-zone@1"},
    **{"DoubleDunk": "double-dunk@1", "NameThisGame": "name-this-game@1", "Phoenix": "phoenix@1"},
}
GLIMPSES = {
    "MNIST 28x28": ("glimpse-mnist@1", 6),
    "Translated MNIST 60x60": ("glimpse-translated@1", 6),
    "Cluttered translated MNIST 60x60 (4 x 8x8 clutter)": ("glimpse-cluttered60@1", 8),
    "Cluttered translated MNIST 100x100 (8 x 8x8 clutter)": ("glimpse-cluttered100@1", 8),
    "Cluttered translated MNIST 100x100": ("glimpse-cluttered100@1", 8),
}
"""By the collection's name of a data set: the task, and how many glimpses it allows."""

SIMBA = ("DAVIAN-Robotics/SimbaV2@86899c2 results", f"{GITHUB}/DAVIAN-Robotics/SimbaV2/tree/86899c2/results")
FLASH = (
    "Holiday-Robot/FlashSAC@87edc90 results/stateRL_cpusim",
    f"{GITHUB}/Holiday-Robot/FlashSAC/tree/87edc90/results/stateRL_cpusim",
)
TIANSHOU = ("thu-ml/tianshou@f2402056 examples/mujoco", f"{GITHUB}/thu-ml/tianshou/tree/f2402056/examples/mujoco")
MRQ = (
    "facebookresearch/MRQ@8a44a7d results/atari_results.txt",
    f"{GITHUB}/facebookresearch/MRQ/blob/8a44a7d/results/atari_results.txt",
)
DOPAMINE = ("google/dopamine baselines", f"{GITHUB}/google/dopamine/tree/master/baselines")
PAPER = ("Mnih et al. (2014)", "https://arxiv.org/abs/1406.6247")
TFRAM = ("slundqui/tfRAM", f"{GITHUB}/slundqui/tfRAM")
ZAKKA = (
    "kevinzakka/recurrent-visual-attention, pull request 32",
    f"{GITHUB}/kevinzakka/recurrent-visual-attention/pull/32",
)
BOOK = ("Sutton & Barto (2018), example 4.1", "http://incompleteideas.net/book/the-book-2nd.html")


def row(
    task: str, agent: str, steps: float | None, mean: float, *, protocol: str, at: tuple[str, str], **of: Any
) -> Row:
    """A row of the table; `at` is the source and its address, `of` the deviation over seeds and their number."""
    known = {"deviation": "", "seeds": "", **of}
    steps_ = "" if steps is None else int(steps)
    made = {"task": task, "agent": agent, "steps": steps_, "mean_return": mean, **known, "protocol": protocol}
    return {**made, "source": at[0], "url": at[1]}


def grid_world(figures: Path) -> Iterator[Row]:
    """What needs no collection: the optimum of the grid world."""
    protocol = "computed, the mean of the optimal values of the 14 starts"
    yield row("grid-world@1", "exact optimum", 0, -2.0, protocol=protocol, at=BOOK)


def older(version: str, robot: str, *more: str) -> str:
    """The protocol of a score on an older version of a robot."""
    library = "Gym's v3 (mujoco-py)" if version == "v3" else f"Gymnasium's {version}"
    return "; ".join((library, *(clause.format(version) for clause in OF_OLDER[robot]), *more))


def cart_pole(figures: Path) -> Iterator[Row]:
    """Agents of CartPole-v1 by three libraries."""
    last = "the last 100 episodes of training"
    of = {
        "SB3 rl-zoo (tuned)": ("SB3 Zoo", "one training run, 300 episodes of the greedy policy", ("A2C", "DQN", "PPO")),
        "SLM-Lab v5": ("SLM Lab", last, ("REINFORCE", "A2C")),
        "CleanRL dqn.py": ("CleanRL", last, ("DQN",)),
        "CleanRL pqn.py": ("CleanRL", last, ("PQN",)),
    }
    for each in read(figures, "classic.csv").query("env == 'CartPole-v1' and implementation in @of").to_dict("records"):
        library, protocol, agents = of[each["implementation"]]
        if each["algorithm"] in agents:
            spread = "" if each["seeds"] == 1 or pd.isna(each["std"]) else each["std"]
            yield row(
                *("cart-pole@1", f"{each['algorithm']} ({library})", each["train_steps"], each["return"]),
                **{"deviation": spread, "seeds": int(each["seeds"])},
                **{"protocol": protocol, "at": (each["source"], file_on_github(each["source"]))},
            )


def robots_of_two_papers(figures: Path) -> Iterator[Row]:
    """Agents at 200,000 and at a million steps on Gymnasium's v4, means of raw files that hold 5 or 10 seeds each."""
    for each in read(figures, "mujoco_2026.csv").to_dict("records"):
        alone = each["agent"] == "FlashSAC"
        at = FLASH if alone else (f"{SIMBA[0]}; {FLASH[0]}", f"{SIMBA[1]} {FLASH[1]}")
        protocol = older("v4", each["task"], "5 or 10 seeds (which of the two is not recorded)")
        about = {"seeds": "5–10", "protocol": protocol, "at": at}
        yield row(ROBOTS[each["task"]], each["agent"], each["steps"], float(each["mean_return"]), **about)


def robots_of_tianshou(figures: Path) -> Iterator[Row]:
    """Tianshou's SAC and PPO on v3 at the same budgets, where deviations over ten seeds are known."""
    of = read(figures, "mujoco_tianshou_curves.csv").query(
        "algorithm in ('SAC', 'PPO') and budget in (200_000, 1_000_000)"
    )
    for each in of.to_dict("records"):
        robot = each["env"].removesuffix("-v3")
        if robot in ROBOTS:
            known = {"deviation": round(each["std_over_seeds"], 2), "seeds": 10}
            mean = round(each["test_return_mean_10seeds"], 2)
            about = {"protocol": older("v3", robot, "10 test episodes"), "at": TIANSHOU}
            yield row(ROBOTS[robot], f"{each['algorithm']} (Tianshou)", each["budget"], mean, **known, **about)


def robots_of_libraries(figures: Path) -> Iterator[Row]:
    """CleanRL's PPO and SAC on v4; where v4 does not compare, SLM Lab's PPO, SAC and CrossQ on v5."""
    for each in read(figures, "mujoco_scores.csv").to_dict("records"):
        robot, _, version = str(each["env"]).partition("-v")
        cleanrl = each["implementation"] == "CleanRL (torch)" and each["algorithm"] in ("PPO", "SAC") and version == "4"
        slm_lab = each["implementation"].startswith("SLM-Lab") and version == "5" and robot in ("Ant", "Humanoid")
        if robot not in ROBOTS or not (cleanrl or slm_lab):
            continue
        last = "the last 100 episodes of training"
        name = f"{each['algorithm']} ({'CleanRL' if cleanrl else 'SLM Lab'})"
        known = {"deviation": "" if pd.isna(each["std"]) else each["std"], "seeds": int(each["seeds"])}
        protocol = older("v4", robot, last) if cleanrl else last
        about = {"protocol": protocol, "at": (each["source"], file_on_github(each["source"]))}
        yield row(ROBOTS[robot], name, each["steps"], each["mean_return"], **known, **about)


def games_of_mrq(figures: Path) -> Iterator[Row]:
    """MR.Q's evaluation returns, under the tasks' protocol, at three budgets."""
    for each in read(figures, "atari_mrq.csv").to_dict("records"):
        spread = "" if pd.isna(each["deviation"]) else each["deviation"]
        task = GAMES[each["game"].replace(" ", "")]
        known = {"deviation": spread, "seeds": int(each["seeds"]), "protocol": "the task's protocol", "at": MRQ}
        yield row(task, "MR.Q", each["agent_steps"], float(each["mean_return"]), **known)


def games_of_dopamine(figures: Path) -> Iterator[Row]:
    """Dopamine's DQN in its first five million frames, on average, and after 200 million; a step is four frames."""
    protocol = "episodes of training, with a random action in every hundred"
    wanted = "agent == 'DQN' and file_kind == 'legacy/nature-cnn default' and frames_M in (5, 200) and game in @GAMES"
    for each in read(figures, "atari_dopamine_by_budget.csv").query(wanted).to_dict("records"):
        about = {"seeds": int(each["runs"]), "protocol": protocol, "at": DOPAMINE}
        yield row(GAMES[each["game"]], "DQN (Dopamine)", each["frames_M"] * 250_000, each["mean_return"], **about)


def glimpses(figures: Path) -> Iterator[Row]:
    """The paper's recurrent attention, and the best that others made of it with as many glimpses as a task allows."""
    secondhand = "the table of the paper's version at NIPS 2014, as others copied it"
    for each in read(figures, "ram.csv").dropna(subset=["glimpses"]).to_dict("records"):
        task, allowed = GLIMPSES.get(each["dataset"], ("", 0))
        share = round(1 - float(each["test_error_pct"]) / 100, 4)
        if int(each["glimpses"]) != allowed:
            continue
        if each["model"] == "RAM" and each["version"].startswith("NIPS"):
            yield row(task, "RAM (paper)", None, share, protocol=secondhand, at=PAPER)
        elif each["source"] == TFRAM[0] or str(each["source"]).startswith("slundqui/tfRAM"):
            yield row(task, "RAM (best re-run)", None, share, seeds=1, protocol="one training run", at=TFRAM)
    (best,) = read(figures, "glimpse_2026.csv").query("task == '28x28'")["error_percent"]
    protocol = "trained on all training images, and its author states at most this error"
    yield row("glimpse-mnist@1", "RAM (best re-run)", None, round(1 - best / 100, 4), protocol=protocol, at=ZAKKA)


COLLECTIONS: tuple[Callable[[Path], Iterator[Row]], ...] = (
    *(grid_world, cart_pole, robots_of_two_papers, robots_of_tianshou, robots_of_libraries),
    *(games_of_mrq, games_of_dopamine, glimpses),
)


def read(figures: Path, name: str) -> pd.DataFrame:
    """A collection; UserError where it is not there."""
    try:
        return pd.read_csv(figures / name, encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{figures} has no {name}; give the folder of the collected figures with --figures") from None


def file_on_github(source: str) -> str:
    """The address of `owner/name@commit path`."""
    repository, _, path = source.partition(" ")
    name, _, commit = repository.partition("@")
    return f"{GITHUB}/{name}/blob/{commit}/{path}"


def table(figures: Path) -> pd.DataFrame:
    """Every published score, by task in the order of the suites, then by steps and agent."""
    frame = pd.DataFrame(
        [made for collection in COLLECTIONS for made in collection(figures)], columns=COLUMNS, dtype=object
    )
    order = frame["task"].map(list(TASKS).index)
    steps = pd.to_numeric(frame["steps"])
    return frame.assign(order=order, by=steps).sort_values(["order", "by", "agent"], kind="stable")[list(COLUMNS)]


@dataclass(frozen=True)
class PublishedScores:
    """Write the table of published scores."""

    figures: Path
    """Folder of the collected figures."""
    output: Path = Path("rlbench/harness/ranking/published.csv")
    """File of the table."""


def main(options: PublishedScores) -> int:
    """Read, write, say how many."""
    frame = table(options.figures)
    write(options.output, frame.to_csv(index=False).encode())
    sys.stdout.write(f"{options.output}: {len(frame)} scores of {frame['task'].nunique()} tasks\n")
    return 0


if __name__ == "__main__":
    command(main, PublishedScores)
