"""The agent that AlphaZero begins with: the network and the search of a trained one, its weights as they are drawn.

    python -m baselines.studies.untrained baselines/pretrained/go5@1/alphazero-s0 --out runs/untrained-go5

What such an agent wins, search alone wins; the rest is learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro

from baselines.algorithms.alphazero import AlphaZeroSettings
from baselines.export import Origin, export
from baselines.files import check_folder
from baselines.nets.residual import residual_network
from baselines.studies.report import command
from baselines.studies.search_tree import read
from baselines.templates.policies import SearchPolicy
from baselines.training.loop import computing
from rlbench.errors import UserError
from rlbench.harness.layers import player as layers

NAME = f"{AlphaZeroSettings().agent}-untrained"


@dataclass(frozen=True)
class Untrained:
    """Write the untrained twin of an agent that searches."""

    agent: Annotated[Path, tyro.conf.Positional]
    """Folder of an agent of AlphaZero."""
    seed: int = 0
    """Training seed, which decides the weights."""
    out: Path = Path("runs/untrained")
    """Folder of the untrained agent; what was there is replaced."""


def main(options: Untrained) -> int:
    """Draw the weights and write the folder."""
    _, game = read(options.agent)
    graph, _ = layers.read(options.agent)
    check_replaceable(options.out)
    with computing():
        network = residual_network(graph, torch.Generator().manual_seed(options.seed))
    origin = Origin(NAME, (f"go{game.size}@1",), options.seed, 0)
    export(SearchPolicy(graph, network.tensors(), game), origin, options.out)
    return 0


def check_replaceable(folder: Path) -> None:
    """UserError for a folder that cannot be written, or that holds something else than an untrained agent."""
    there = folder / "submission.toml"
    if folder.exists() and not (there.is_file() and f'name = "{NAME}"\n' in there.read_text(encoding="utf-8")):
        raise UserError(f"{folder} holds something else, which would be replaced; give another --out")
    check_folder(folder.parent, "write into")


if __name__ == "__main__":
    command(main, Untrained)
