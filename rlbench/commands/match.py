"""`rlbench match A B`: games of Go between players, and how far apart they are on the Elo scale.

With more than two players every pair plays, and all are rated; with --gauntlet the first one alone plays the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import Positional

from rlbench import environments, whole_files
from rlbench.commands.shared.go_players import find_player
from rlbench.commands.shared.lookup import find_environment
from rlbench.commands.shared.match_tables import gauntlet_rows, pool_elo, result_rows
from rlbench.commands.shared.output import Format, Quiet, print_table, remark, silent, table_of
from rlbench.envs.go import sgf
from rlbench.envs.go.config import checked_komi, opening_table
from rlbench.envs.go.game import Game
from rlbench.envs.go.game_record import WITHOUT_SUICIDE, GameRecord
from rlbench.errors import UserError, counted
from rlbench.gtp.referee import RefereedGame, referee
from rlbench.gtp.server import BLACK, WHITE, GoPlayer, LoadFault
from rlbench.gtp.tournament import WINNERS, Fixture, GameRow, GamesFile, fixtures, pairs_of
from rlbench.progress import progress


@dataclass(frozen=True)
class MatchOptions:
    """Play games of Go between two players or more, and rate them."""

    players: Annotated[Positional[tuple[str, ...]], tyro.conf.arg(metavar="PLAYER")]
    """Submissions by folder or name; random; mcts:<playouts>; gnugo:<level>; or "gtp:<command>", any Go program."""
    env: Annotated[str, tyro.conf.arg(aliases=["--task", "-t"])] = "go9"
    """Go environment, or a task on one, which says the size of the board: go5, Go9x9."""
    games: int = 20
    """Games of each pair. Colours change after every game, the opening after every second."""
    gauntlet: bool = False
    """The first player alone plays all others. Where these have ratings, as the opponents of go5@1 and go9@1 have, it
    is rated on their scale: by the games against each, and by all of them."""
    komi: float | None = None
    """Points for White; by default those of the environment."""
    seed: int = 0
    """Seed of all games."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["--out", "-o"])] = None
    """CSV file of the games: a match that was interrupted goes on in it, and all its games of these players count. One
    match at a time may write it."""
    sgf: Path | None = None
    """Folder for a record of each game in SGF."""
    quiet: Quiet = False
    """No progress bar."""
    format: Format = "table"


@dataclass(frozen=True)
class Rules:
    """What all games of a match share."""

    size: int
    komi: float
    openings: Sequence[Sequence[int]]
    """Actions of Black and White; the first one is none."""


def run(options: MatchOptions) -> int:
    """Play, then print a row for the pair or one per player; 0."""
    check(options)
    rules = rules_of(options)
    games = options.games, len(rules.openings), rules.size, rules.komi, options.seed, options.gauntlet
    planned = list(fixtures(options.players, *games))
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(GamesFile(options.output)) if options.output else None
        rows = [row for row in file.rows if is_of(row, options, rules)] if file else []
        if rows:
            remark(f"{counted(len(rows), 'game')} between these players in {options.output} count, too", options)
        done = {row.fixture for row in rows}
        entered = enter(options.players, rules, stack)
        try:
            for row in played([each for each in planned if each not in done], entered, rules, options):
                rows.append(row)
                if file:
                    file.add(row)
        finally:  # what was played is shown, whatever happened then
            if rows:
                print_table(table_of(result(rows, rules, options)), options.format)
    return 0


def is_of(row: GameRow, options: MatchOptions, rules: Rules) -> bool:
    """Whether a game is one of these pairs on this board with this komi."""
    pairs = map(set, pairs_of(options.players, options.gauntlet))
    return {row.black, row.white} in pairs and (row.size, row.komi) == (rules.size, rules.komi)


def result(rows: Sequence[GameRow], rules: Rules, options: MatchOptions) -> list[dict[str, Any]]:
    """What the games come to, as rows of a table."""
    if not options.gauntlet:
        return result_rows(options.players, rows, options)
    pool = pool_elo(rules.size, rules.komi)
    if not any(other in pool for other in options.players[1:]):
        remark(f"no opponent has a rating on {rules.size}x{rules.size} with komi {rules.komi:g}, so no Elo", options)
    return gauntlet_rows(options.players, rows, pool)


def check(options: MatchOptions) -> None:
    """Raise UserError for options that cannot be."""
    if len(options.players) < 2 or len(set(options.players)) < len(options.players):
        raise UserError(f"give two different players or more, got {' '.join(options.players) or 'none'}")
    if options.games < 1:
        raise UserError(f"--games is at least 1, got {options.games}")
    if options.seed < 0:
        raise UserError(f"--seed is at least 0, got {options.seed}")


def rules_of(options: MatchOptions) -> Rules:
    """Board, komi and openings of a match; UserError for an environment that is not Go."""
    env_id, kwargs = find_environment(options.env)
    known = environments.spec(env_id).kwargs | kwargs
    if not env_id.startswith("rlbench/Go"):
        raise UserError(f"--env {options.env} is {env_id}; matches are of Go: go5, go9, Go13x13 or another size")
    size = int(known["size"])
    komi = checked_komi(known.get("komi") if options.komi is None else options.komi, size)
    table = opening_table(size, size)
    return Rules(size, komi, [[int(action) for action in row if action >= 0] for row in table])


def enter(names: Sequence[str], rules: Rules, stack: contextlib.ExitStack) -> dict[str, GoPlayer]:
    """The players by name, which the stack closes; UserError for one that does not exist or plays no such board."""
    entered: dict[str, GoPlayer] = {}
    for name in names:
        player = stack.enter_context(contextlib.closing(find_player(name, rules.size, rules.komi)))
        if reason := player.plays(rules.size):
            raise UserError(f"{name} plays no board of {rules.size}x{rules.size}: {reason}")
        entered[name] = player
    return entered


def played(
    planned: Sequence[Fixture], entered: Mapping[str, GoPlayer], rules: Rules, options: MatchOptions
) -> Iterator[GameRow]:
    """Play games, and write their records."""
    title = " against ".join(options.players) if len(options.players) == 2 else f"{len(options.players)} players"
    with progress(title, quiet=silent(options)) as show:
        for number, fixture in enumerate(planned):
            show(number / len(planned), number, "games")
            game = Game(rules.size, rules.komi)
            pair = {BLACK: entered[fixture.black], WHITE: entered[fixture.white]}
            kept = f"; what {options.output} holds goes on when this is run again" if options.output else ""
            try:
                end = referee(game, pair, rules.openings[fixture.opening], fixture.seed, 2 * rules.size**2)
            except LoadFault as fault:
                raise UserError(f"game {number + 1} was not played: {fault}{kept}") from None
            except KeyboardInterrupt:
                raise KeyboardInterrupt(f"interrupted{kept}") from None
            if end.fault:
                remark(f"game {number + 1}: {end.fault}", options)
            if options.sgf:
                write_sgf(options.sgf, fixture, end)
            yield GameRow(
                **vars(fixture),
                winner=WINNERS[end.winner],
                score="" if end.score is None else f"{end.score:g}",
                turns=len(end.moves) - len(rules.openings[fixture.opening]),
                ending=end.ending,
                black_version=pair[BLACK].version,
                white_version=pair[WHITE].version,
            )


def write_sgf(folder: Path, fixture: Fixture, end: RefereedGame) -> None:
    """Write the record of a game, named after the players; UserError where the folder cannot be written."""
    names = [name.rstrip("/").rpartition("/")[2].replace(":", "-") for name in (fixture.black, fixture.white)]
    path = folder / f"{'-'.join(name[:40] for name in names)}-{fixture.opening}-{fixture.seed}.sgf"
    record = GameRecord(
        (fixture.size, fixture.size),
        end.moves,
        komi=fixture.komi,
        black=fixture.black,
        white=fixture.white,
        result=end.result,
        rules=WITHOUT_SUICIDE,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_files.replacing(path) as scratch:
            scratch.write_text(sgf.format_sgf(record), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; give another --sgf") from None
