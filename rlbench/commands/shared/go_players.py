"""Players of Go by name: one table for matches and for GTP, in which opponents of the environments have the same names.

| name                  | who plays                                                                         |
| ---                   | ---                                                                               |
| `random`              | one of the legal moves at random, built in                                        |
| `mcts:<playouts>`     | a search of so many playouts, built in                                            |
| `gnugo:<level>`       | GNU Go                                                                            |
| `gtp:<command>`       | any program that speaks GTP                                                       |
| `submission:<agent>`  | a submission, by its folder or its name; `submission:random` is the one so called |
| any other word        | the same as `submission:` before it, but not for the argument `opponent=`         |
"""

from __future__ import annotations

from typing import Any

from rlbench.commands.shared.submissions import find_submission
from rlbench.envs.go import engines
from rlbench.gtp.players import BuiltinPlayer, SubmissionPlayer, is_builtin
from rlbench.gtp.program_player import ProgramPlayer
from rlbench.harness import submission

SUBMISSION = "submission:"


def find_player(name: str, size: int, komi: float) -> Any:
    """The player of a name, for a board of one size.

    Raises:
        UserError: There is no such player, or it plays no such board or komi.
    """
    if engines.is_program(name) and not name.startswith(SUBMISSION):
        return ProgramPlayer(engines.find_program(name), size, komi)
    return find_served(name)


def find_served(name: str) -> BuiltinPlayer | SubmissionPlayer:
    """The player of a name that GTP can serve: no program, which speaks GTP itself.

    Raises:
        UserError: There is no such player.
    """
    if is_builtin(name):
        return BuiltinPlayer(name)
    return SubmissionPlayer(submission.read(find_submission(name.removeprefix(SUBMISSION))))
