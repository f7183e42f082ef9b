"""`rlbench leaderboard` over records on disk."""

import csv
import dataclasses
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rlbench.api.ranking import load_rankings
from rlbench.commands.leaderboard import LeaderboardOptions, run
from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.results import parts, record
from rlbench.harness.results.writer import RecordWriter
from rlbench.harness.tasks.suite import TASKS

TASK = TASKS["grid-world@1"]
ROOT = Path(__file__).parents[2]


def write_run(results, name, seed, returns=-2.0, blocks=TASK.blocks):
    """Record a run of made-up episodes as an evaluation would."""
    digest = hashlib.sha256(f"{name} {seed}".encode()).hexdigest()
    entrant = dataclasses.replace(
        submission.read("random"), name=name, training_seed=seed, digest=digest, contents=digest
    )
    write(results, entrant, returns, blocks)


def write(results, entrant, returns, blocks):
    """Record made-up episodes of a submission."""
    with RecordWriter(record.path_of(results, TASK, entrant), TASK, entrant, "landlock") as writer:
        for number in range(blocks):
            episodes = [
                record.EpisodeResult(i, seed, returns, returns, 2, True, False, "ok", "0" * 16, options)
                for i, (seed, options) in ((i, TASK.episode(i)) for i in TASK.block(number))
            ]
            writer.commit(record.BlockResult(number, episodes, 1.0, 0.5, 0.1, 1, None))
        if blocks == TASK.blocks:
            writer.finish()


@pytest.fixture
def options(tmp_path):
    results = tmp_path / "results"
    for seed in range(3):
        write_run(results, "planner", seed)
    write_run(results, "stopped", 0, blocks=1)
    return LeaderboardOptions(results=results, output=tmp_path / "leaderboard.md")


def test_parts_that_no_record_has_are_told_of_with_the_command(options, capsys):
    whole = next((options.results / TASK.key).glob("planner@*.jsonl"))
    stopped = next((options.results / TASK.key).glob("stopped@*.jsonl"))
    for record_path in (whole, stopped):
        parts.path_of(record_path, 1, 2).write_text("", encoding="utf-8")
    assert run(options) == 0
    folder = options.results
    told = f"1 part of shards not ranked; to put them together: rlbench merge {folder} --results {folder}\n"
    assert capsys.readouterr().err == told
    assert run(dataclasses.replace(options, format="json")) == 0
    assert capsys.readouterr().err == ""


def test_it_writes_the_page_and_then_check_passes(options, capsys):
    assert run(options) == 0
    shown = capsys.readouterr().out
    assert "Task grid-world@1" in shown
    of_task = options.results / "tasks" / f"{TASK.key}.md"
    assert shown.endswith(f"wrote {options.output}, and a page per task in {of_task.parent}\n")
    row, proof = (line for line in of_task.read_text(encoding="utf-8").splitlines() if "| planner " in line)
    assert "-2.00<br>[-2.00, -2.00] |     3 | 3 of 3 |" in row
    assert "|    3 | self-reported |" in proof
    assert "incomplete: 70 of 140 episodes" in options.output.read_text(encoding="utf-8")
    assert run(dataclasses.replace(options, check=True)) == 0
    assert "up to date" in capsys.readouterr().out


def test_check_fails_on_a_stale_page_and_names_the_remedy(options, capsys):
    run(options)
    fresh = options.output.read_text(encoding="utf-8")
    write_run(options.results, "planner", 3)
    before = options.output.read_bytes()
    capsys.readouterr()
    assert run(dataclasses.replace(options, check=True)) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    remedy = f"rlbench leaderboard --results {options.results} --output {options.output}"
    line = next(i for i, row in enumerate(fresh.splitlines(), start=1) if "| task " in row)
    assert printed.err == f"{options.output} is stale (line {line} differs); to mend it: {remedy}\n"
    assert options.output.read_bytes() == before  # a check writes nothing


def test_check_looks_at_the_pages_of_tasks_and_writing_removes_those_without_results(options, capsys):
    run(options)
    of_task = options.results / "tasks" / f"{TASK.key}.md"
    of_task.write_text(of_task.read_text(encoding="utf-8").replace("planner", "plan"), encoding="utf-8")
    capsys.readouterr()
    assert run(dataclasses.replace(options, check=True)) == 1
    assert f"{of_task} is stale (line " in capsys.readouterr().err
    run(options)
    gone, mine = of_task.with_name("gone@1.md"), of_task.with_name("mine@1.md")
    gone.write_text("# `gone@1`\n", encoding="utf-8")
    mine.write_text("# My own notes\n", encoding="utf-8")
    capsys.readouterr()
    assert run(dataclasses.replace(options, check=True)) == 1
    assert f"{gone} is stale (its task has no results); to mend it: rlbench leaderboard" in capsys.readouterr().err
    run(options)
    assert (gone.exists(), mine.exists()) == (False, True)
    assert run(dataclasses.replace(options, check=True)) == 0


def test_check_fails_on_a_page_that_is_missing_or_not_text(options, capsys):
    assert run(dataclasses.replace(options, check=True)) == 1
    assert "does not exist" in capsys.readouterr().err
    options.output.write_bytes(b"\xff\xfe")
    assert run(dataclasses.replace(options, check=True)) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_machine_formats_print_the_rows_and_write_nothing(options, capsys):
    assert run(dataclasses.replace(options, format="json")) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["table"], row["agent"], row["score"]) for row in rows if row["table"] in ("task", "unranked")] == [
        ("task", "planner", 1.0),
        ("unranked", "stopped", None),
    ]
    assert {row["agent"] for row in rows if row["table"] == "published" and row["task"] == TASK.key} == {
        "exact optimum"
    }
    assert run(dataclasses.replace(options, format="csv")) == 0
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == len(rows)
    assert not options.output.exists()


@pytest.mark.parametrize("format", ["json", "csv"])
def test_a_check_prints_no_table(options, format):
    with pytest.raises(UserError, match=r"leave out .* --format"):
        run(dataclasses.replace(options, check=True, format=format))


def test_latex_prints_every_table_and_escapes_what_means_something_to_it(options, capsys):
    assert run(dataclasses.replace(options, format="latex")) == 0
    printed = capsys.readouterr().out
    assert printed.count("\\begin{tabular}") == printed.count("\\end{tabular}") == 2
    assert "95 \\% interval" in printed
    assert "planner &" in printed
    assert not options.output.exists()


def test_a_filter_prints_the_rows_asked_for_and_writes_nothing(options, capsys):
    assert run(dataclasses.replace(options, task=("cart-pole",), format="json")) == 0
    assert {row["task"] for row in json.loads(capsys.readouterr().out)} == {"cart-pole@1"}
    assert run(dataclasses.replace(options, suite="tabular", agent=("planner",), format="json")) == 0
    assert {row["agent"] for row in json.loads(capsys.readouterr().out)} == {"planner"}
    assert not options.output.exists()
    with pytest.raises(UserError, match="unknown agent 'planer'; did you mean planner"):
        run(dataclasses.replace(options, agent=("planer",)))


FLAWS = {
    "checks/pipe.csv": (os.mkfifo, "cannot read it: it is a pipe, not a file"),
    "checks/text.csv": (lambda path: path.write_bytes(b"\xff"), "it is not text in UTF-8: byte 1 of line 1 is 0xff"),
    "checks/short.csv": (lambda path: path.write_text("a,b\n", encoding="utf-8"), "it holds no checks: its columns"),
    "curves/grid-world@1/pipe-s0.csv": (os.mkfifo, "cannot read it: it is a pipe, not a file"),
    "curves/grid-world@1/a-s0.csv": (lambda path: path.write_bytes(b"\xff"), "it is not text in UTF-8: byte 1"),
    "grid-world@1/pipe@0.jsonl": (os.mkfifo, "cannot read it: it is a pipe, not a file; move it away"),
    "grid-world@1/text@0.jsonl": (lambda path: path.write_bytes(b"\xff\n"), "it is "),
}


def test_what_is_said_of_files_that_are_none_names_them_once_and_is_a_sentence(options):
    for name, (make, _) in FLAWS.items():
        (options.results / name).parent.mkdir(parents=True, exist_ok=True)
        make(options.results / name)
    told = {f"{row.task}/{row.agent}": row.reason for row in load_rankings(options.results).unranked}
    for name, (_, reason) in FLAWS.items():
        place = "/".join(name.split("/")[-2:])
        assert told[place].startswith(reason), (name, told)
        assert str(options.results) not in told[place]


def test_a_second_look_parses_no_record_again(options, monkeypatch):
    run(options)
    before = options.output.read_bytes()
    monkeypatch.setattr(record, "parse", lambda data, path: pytest.fail(f"parsed {path}"))
    run(options)
    assert options.output.read_bytes() == before
    monkeypatch.undo()
    write_run(options.results, "planner", 3)
    run(options)
    assert options.output.read_bytes() != before


def test_a_second_look_at_the_committed_records_imports_nothing_that_takes_long(tmp_path):
    """Of a second of the processor, pandas took a quarter and SciPy's optimizers a seventh."""
    look = (
        "import sys; from rlbench import cli; assert cli.main(sys.argv[1:]) == 0; "
        "sys.exit(', '.join({'pandas', 'scipy.optimize', 'torch', 'matplotlib'} & sys.modules.keys()) or None)"
    )
    words = ["leaderboard", "--results", str(ROOT / "results"), "--output", str(tmp_path / "page.md")]
    run(LeaderboardOptions(results=ROOT / "results", output=tmp_path / "page.md"))
    command = [sys.executable, "-c", look, *words]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Task go5@1" in done.stdout


def test_a_folder_that_is_not_there_is_an_error(options, tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        run(dataclasses.replace(options, results=tmp_path / "nowhere"))
    with pytest.raises(UserError, match="cannot write"):
        run(dataclasses.replace(options, output=tmp_path / "nowhere" / "leaderboard.md"))


def test_an_empty_folder_gives_a_friendly_page(tmp_path):
    (tmp_path / "results").mkdir()
    options = LeaderboardOptions(results=tmp_path / "results", output=tmp_path / "leaderboard.md")
    assert run(options) == 0
    assert "rlbench run quick" in options.output.read_text(encoding="utf-8")


def test_where_no_run_is_ranked_the_page_says_why(tmp_path):
    folder = tmp_path / "results" / "cart-pole@1"
    folder.mkdir(parents=True)
    (folder / "mine@0123456789ab.jsonl").write_text('{"kind": "header"}\n', encoding="utf-8")
    page = tmp_path / "page.md"
    assert run(LeaderboardOptions(results=tmp_path / "results", output=page)) == 0
    text = page.read_text(encoding="utf-8")
    assert "Nothing has been scored yet" not in text
    assert "No run is ranked: the reasons are below." in text
    assert re.search(r"^## Not ranked\n\n(.*\n)+\| cart-pole@1 +\| mine@0123456789ab.jsonl ", text, re.MULTILINE)


def test_missing_seeds_and_columns_without_room_are_explained_below_the_table(tmp_path, monkeypatch, capsys):
    write_run(tmp_path / "results", "actor-critic-lecture", 0)
    options = LeaderboardOptions(results=tmp_path / "results", output=tmp_path / "leaderboard.md")
    for columns, below in (("200", ""), ("80", "left out: ")):
        monkeypatch.setenv("COLUMNS", columns)
        assert run(options) == 0
        table = capsys.readouterr().out.partition("Task grid-world@1")[2]
        assert "needs seeds; episodes [-2.00, -2.00]" in " ".join(table.split())
        assert "\nneeds seeds: under 3 training seeds there is neither interval nor rank\n" in table
        assert below in table
        assert ("worst seed; a wider terminal or --csv shows them" in " ".join(table.split())) == bool(below)


def test_a_page_elsewhere_links_to_nothing_that_is_not_beside_it(options):
    run(options)
    page = options.output.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]*)\)", page)
    assert links
    for link in links:
        assert link.startswith(("#", "https://", "http://")) or (options.output.parent / link).is_file(), link
    (options.output.parent / "docs").mkdir()
    (options.output.parent / "docs" / "submitting.md").touch()
    run(options)
    assert "](docs/submitting.md)" in options.output.read_text(encoding="utf-8")


@pytest.mark.parametrize("place", ["leaderboard.md", "other.md", "elsewhere/leaderboard.md"])
def test_links_lead_somewhere_from_both_places_and_a_page_elsewhere_changes_nothing_beside_the_records(options, place):
    run(options)
    page = options.output.parent / place
    page.parent.mkdir(exist_ok=True)
    own = options.output, options.results / "tasks" / f"{TASK.key}.md"
    before = [path.read_bytes() for path in own]
    elsewhere = dataclasses.replace(options, output=page)
    run(elsewhere)
    assert [path.read_bytes() for path in own] == before
    of_task = own[1] if page == options.output else page.parent / "tasks" / f"{TASK.key}.md"
    for path, there in ((page, of_task), (of_task, page)):
        links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        targets = [(path.parent / link).resolve() for link in links if "://" not in link]
        assert there.resolve() in targets
        assert all(target.exists() for target in targets)
    assert run(dataclasses.replace(elsewhere, check=True)) == 0
    assert run(dataclasses.replace(options, check=True)) == 0


def test_where_nobody_was_trained_the_page_has_no_section_of_costs(tmp_path):
    entrant = dataclasses.replace(submission.read("random"), name="by-hand", training_steps=0)
    write(tmp_path / "results", entrant, -2.0, TASK.blocks)
    options = LeaderboardOptions(results=tmp_path / "results", output=tmp_path / "leaderboard.md")
    run(options)
    page = options.output.read_text(encoding="utf-8")
    assert "by-hand" in page
    assert "ost and learning curves" not in page


def test_a_table_without_missing_seeds_does_not_explain_them(options, capsys):
    run(options)
    assert "needs seeds" not in capsys.readouterr().out
