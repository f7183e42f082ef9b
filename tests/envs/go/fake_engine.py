"""A Go program that speaks GTP and does one thing wrong: `python fake_engine.py WRONG`. It plays A1, B1, C1 ..."""

import itertools
import os
import signal
import subprocess
import sys
import time

MOVES = (f"{column}1" for column in itertools.cycle("ABCDEFGHJ"))
USUAL = {"name": "fake", "version": "1", "known_command": "true"}


def answer(text, mark="=", end="\n\n"):
    sys.stdout.buffer.write((f"{mark}{number} {text}" if text else f"{mark}{number}").encode() + end.encode())
    sys.stdout.buffer.flush()


def hang_with_children():
    """Start programs that keep the pipes open, one of them deaf to the terminal's signals."""
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", "child-of-fake-engine"])
    time.sleep(1000)


def leave_number_and_hang():
    """Write the process's number into the file that the second argument names, and read no end of the input."""
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(1000)


def write(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def write_without_end(data):
    while True:
        write(data)


WRONG = {
    "nothing": lambda: answer(next(MOVES)),
    "crashes": lambda: (print("out of cheese", file=sys.stderr), sys.exit(3)),
    "crashes at length": lambda: sys.exit(f"error: no network in {'folder/' * 100}; give one"),
    "is killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hangs": hang_with_children,
    "leaves its number and hangs": leave_number_and_hang,
    "dribbles": lambda: [(write(b"= " if i == 0 else b"."), time.sleep(0.01)) for i in range(10_000)],
    "resigns": lambda: answer("resign"),
    "RESIGNS": lambda: answer("RESIGN"),
    "passes": lambda: answer("PASS"),
    "names no point": lambda: answer("I5"),
    "names a point outside": lambda: answer("A10"),
    "plays two moves": lambda: answer("A1 B1"),
    "says nothing": lambda: answer(""),
    "speaks": lambda: write(b"Good evening!\n"),
    "echoes": lambda: write(line.encode()),
    "is binary": lambda: write(bytes(range(128, 256)) * 8 + b"\n\n"),
    "is binary behind its mark": lambda: write(b"=%d \0\xff\xfe\n\n" % number),
    "never ends a line": lambda: write_without_end(b"=" * 65_536),
    "never ends an answer": lambda: write_without_end(b"= A1\n"),
    "floods standard error": lambda: [os.write(2, b"thinking ...\n" * 1_000) for _ in range(100)] + [answer("A1")],
    "counts wrongly": lambda: write(b"=%d A1\n\n" % (number + 1)),
    "does not count": lambda: write(b"= A1\n\n"),
    "answers twice": lambda: (answer("A1"), answer("B1")),
    "refuses": lambda: answer("it is too late", mark="?"),
    "writes as on Windows": lambda: answer("  e5 ", end="\r\n\r\n"),
    "moves on an occupied point": lambda: answer("A1"),
    "closes its output": lambda: (os.close(1), time.sleep(1000)),
    "takes long to quit": lambda: answer("A1"),
}

if __name__ == "__main__":
    for line in sys.stdin:
        number, command, *arguments = line.split()
        number = int(number) if command != "quit" else 0
        if command == "quit":
            time.sleep(1000 if sys.argv[1] == "takes long to quit" else 0)
            break
        if command == "genmove":
            WRONG[sys.argv[1]]()
        elif command == "boardsize" and arguments == ["19"]:
            answer("unacceptable size", mark="?")
        else:
            answer(USUAL.get(command, ""))
