"""Go programs as opponents: what they do wrong is one fault, in time, and nothing of them is left."""

import copy
import os
import pickle
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gymnasium.error import DependencyNotInstalled

from rlbench.envs.go import engines
from rlbench.envs.go.engines import BLACK, RESIGN, WHITE, GtpEngine, find_program
from rlbench.envs.go.gtp_client import EngineFault
from rlbench.errors import ArgumentError

FAKE = Path(__file__).parent / "fake_engine.py"

needs_gnugo = pytest.mark.skipif(engines.missing("gnugo:1") is not None, reason=str(engines.missing("gnugo:1")))


def fake(wrong, seconds=5.0, size=9):
    """An engine that does one thing wrong when it is asked for a move."""
    command = shlex.join([sys.executable, "-IS", str(FAKE), wrong])
    return GtpEngine(find_program(f"gtp:{command}"), size, 7.0, seconds)


FAULTS = {
    "crashes": ("crash", "exited with code 3 at `genmove black`; it last printed: out of cheese"),
    "crashes at length": ("crash", "it last printed: error: no network in folder/folder/"),
    "is killed": ("crash", "died of SIGKILL at `genmove black`"),
    "closes its output": ("crash", "has closed its standard output at `genmove black`"),
    "hangs": ("timeout", "has not answered `genmove black` within 0.5 s"),
    "dribbles": ("timeout", "has not answered `genmove black` within 0.5 s"),
    "names no point": ("protocol", "(no column is called I) or pass, got 'I5'"),
    "names a point outside": ("protocol", "A1 to J9 (no column is called I) or pass, got 'A10'"),
    "plays two moves": ("protocol", "got 'A1 B1'"),
    "says nothing": ("protocol", "got ''"),
    "speaks": ("protocol", "answers `genmove black` with 'Good evening!', which is no GTP"),
    "echoes": ("protocol", "which is no GTP"),
    "is binary": ("protocol", "which is no GTP"),
    "is binary behind its mark": ("protocol", "got "),
    "never ends a line": ("protocol", "with more than 1,048,576 bytes"),
    "never ends an answer": ("protocol", "with more than 1,048,576 bytes"),
    "counts wrongly": ("protocol", "under "),
    "does not count": ("protocol", "under no number instead of "),
    "refuses": ("refusal", "refuses `genmove black`: it is too late"),
}


@pytest.mark.parametrize("wrong", FAULTS)
def test_a_fault_is_said_in_one_line(wrong):
    kind, words = FAULTS[wrong]
    engine = fake(wrong, seconds=0.5 if kind == "timeout" else 30.0)
    engine.start(seed=1)
    with pytest.raises(EngineFault) as caught:
        engine.genmove(BLACK)
    assert caught.value.kind == kind
    assert words in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400
    engine.close()


@pytest.mark.parametrize(
    ("answers", "move"),
    [("RESIGNS", RESIGN), ("resigns", RESIGN), ("passes", 81), ("floods standard error", 72), ("nothing", 72),
     ("writes as on Windows", 40), ("takes long to quit", 72)],
)  # fmt: skip
def test_what_is_unusual_but_right_is_a_move(answers, move):
    engine = fake(answers)
    engine.start(seed=1)
    assert engine.genmove(BLACK) == move
    engine.close()


def test_the_next_game_has_a_program_of_its_own():
    engine = fake("crashes")
    for _ in range(2):
        engine.start(seed=1)
        with pytest.raises(EngineFault, match="crash"):
            engine.genmove(BLACK)
    engine.close()


def test_a_second_answer_is_not_taken_for_the_next():
    engine = fake("answers twice")
    engine.start(seed=1)
    assert engine.genmove(BLACK) == 72
    engine.play(WHITE, 0)
    with pytest.raises(EngineFault, match=r"protocol: .* answers `play white A9` under 6 instead of 7"):
        engine.genmove(BLACK)
    engine.close()


def processes(word):
    """Processes of this machine that have a word in their command line."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, encoding="utf-8").stdout
    return [line for line in listed.splitlines() if word in line and "ps -eo" not in line]


def test_nothing_that_a_program_has_started_is_left():
    engine = fake("hangs", seconds=0.5)
    engine.start(seed=1)
    with pytest.raises(EngineFault, match="timeout"):
        engine.genmove(BLACK)
    for _ in range(100):  # the system takes a moment
        if not processes("child-of-fake-engine"):
            break
        time.sleep(0.05)
    assert not processes("child-of-fake-engine")


OWNER = """
import sys
from rlbench.envs.go.engines import GtpEngine, find_program
engine = GtpEngine(find_program(sys.argv[1]), 9, 7.0)
engine.start(seed=1)
print("begun", flush=True)
engine.genmove(1)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_program_that_hangs_ends_with_an_owner_that_is_killed(end, tmp_path):
    file = tmp_path / "number"
    command = shlex.join([sys.executable, "-IS", str(FAKE), "leaves its number and hangs", str(file)])
    owner = subprocess.Popen([sys.executable, "-c", OWNER, f"gtp:{command}"], stdout=subprocess.PIPE)
    with owner:
        assert owner.stdout.readline() == b"begun\n"
        wait_until(lambda: file.exists() and file.read_text(encoding="utf-8").endswith("\n"))
        owner.send_signal(end)
    wait_until(lambda: not runs(int(file.read_text(encoding="utf-8"))))


def runs(number):
    """Whether a process is there that is no zombie."""
    stat = Path(f"/proc/{number}/stat")
    return stat.exists() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


def wait_until(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it does not happen")


@pytest.mark.parametrize("end", ["close", "start", "del"])
def test_a_program_ends_with_its_game(end, tmp_path):
    engine = fake("nothing")
    engine.start(seed=1)
    before = open_files()
    engine.genmove(BLACK)
    assert open_files() > before
    if end == "del":
        del engine
    else:
        getattr(engine, end)(*[2] * (end == "start"))
    assert open_files() == before


def open_files():
    return len(os.listdir("/proc/self/fd"))


def test_a_copy_has_a_program_of_its_own_that_knows_the_game():
    engine = fake("nothing")
    engine.start(seed=1)
    assert [engine.genmove(BLACK), engine.genmove(BLACK)] == [72, 73]
    for twin in (copy.deepcopy(engine), pickle.loads(pickle.dumps(engine))):
        assert twin.genmove(BLACK) == 72  # this program counts its own moves only
        twin.close()
    assert engine.genmove(BLACK) == 74
    engine.close()


def test_a_fork_leaves_the_parents_program_alone():
    engine = fake("nothing")
    engine.start(seed=1)
    engine.genmove(BLACK)
    child = os.fork()
    if child == 0:
        os._exit(0 if engine.genmove(BLACK) == 72 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert engine.genmove(BLACK) == 73
    engine.close()


REFUSED = {
    "gnugo:": "takes a level from 1 to 20, got ''",
    "gnugo:0": "got '0'",
    "gnugo:21": "got '21'",
    "gnugo:high": "got 'high'",
    "gtp:": "names a program that is not there: nothing",
    "gtp:no-such-program --fast": "names a program that is not there: 'no-such-program'",
    'gtp:"gnugo': "is no command line (No closing quotation)",
    "pachi": "is no program: give gnugo:<level> or gtp:<command> or submission:<folder>",
    None: "is no program",
}


@pytest.mark.parametrize("opponent", REFUSED)
def test_an_opponent_that_is_none_is_refused(opponent):
    with pytest.raises(ArgumentError) as caught:
        find_program(opponent)
    assert REFUSED[opponent] in str(caught.value)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("true", "exited with code 0 at `known_command set_random_seed`"),
        ("cat", "which is no GTP"),
        ("yes", "which is no GTP"),
    ],
)
def test_a_program_that_does_not_speak_gtp_is_refused_at_once(command, words):
    with pytest.raises(ArgumentError, match=f"opponent='gtp:{command}' plays no 9x9 with komi 7: ") as caught:
        GtpEngine(find_program(f"gtp:{command}"), 9, 7.0)
    assert words in str(caught.value)


def test_a_board_that_a_program_does_not_play_is_refused():
    with pytest.raises(
        ArgumentError, match=r"plays no 19x19 with komi 7: .* refuses `boardsize 19`: unacceptable size"
    ):
        fake("nothing", size=19)


def test_gnugo_that_is_not_installed_is_a_missing_dependency(monkeypatch):
    monkeypatch.setattr(engines, "GAMES_FOLDERS", ())
    monkeypatch.setenv("PATH", os.path.dirname(shutil.which("echo")))
    if shutil.which("gnugo"):
        pytest.skip("GNU Go is in the folder of the usual programs")
    with pytest.raises(DependencyNotInstalled, match=r"opponent='gnugo:10' is GNU Go, .* apt install gnugo"):
        find_program("gnugo:10")
    assert "apt install gnugo" in engines.missing("gnugo:10")
    assert engines.missing("gtp:echo") is None


def test_a_name_and_a_version_are_known_before_the_first_game():
    assert fake("nothing").version == "fake 1"


@needs_gnugo
def test_gnugo_plays_the_same_game_again_for_the_same_seed():
    engine = GtpEngine(find_program("gnugo:1"), 9, 7.0)
    assert engine.version == "gnugo 3.8"
    games = []
    for seed in (3, 3, 4, 5, 6):
        engine.start(seed)
        games.append([engine.genmove(colour) for colour in (BLACK, WHITE) * 5])
    engine.close()
    assert games[0] == games[1]
    assert len(set(map(tuple, games))) > 2


@needs_gnugo
def test_a_copy_of_a_game_with_gnugo_goes_on_alike():
    engine = GtpEngine(find_program("gnugo:1"), 9, 7.0)
    engine.start(seed=1)
    for _ in range(10):
        for colour in (BLACK, WHITE):
            twin = copy.deepcopy(engine)
            assert engine.genmove(colour) == twin.genmove(colour)
            twin.close()
    engine.close()
