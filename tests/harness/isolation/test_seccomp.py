"""The filter of system calls, run by an interpreter of BPF, and its numbers, compared with the C library's header."""

import errno
import re
from pathlib import Path

import pytest

from rlbench.harness.isolation import seccomp
from rlbench.harness.isolation.system_calls import MACHINES, numbers

ALLOW, KILL = "allow", "kill"
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "i386": 0x40000003}
PID = 4321
HEADERS = {
    "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}


def answer(program, number, arguments=(), architecture="x86_64"):
    """What the kernel would do with a call: an interpreter of the instructions that filters consist of."""
    words = {0: number, 4: AUDIT[architecture]}
    words |= {
        16 + 8 * i + 4 * half: value >> 32 * half & 0xFFFFFFFF for i, value in enumerate(arguments) for half in (0, 1)
    }
    counter = accumulator = 0
    while True:
        code, true, false, operand = program[counter]
        counter += 1
        match code:
            case 0x20:
                accumulator = words.get(operand, 0)
            case 0x54:
                accumulator &= operand
            case 0x05:
                counter += operand
            case 0x15:
                counter += true if accumulator == operand else false
            case 0x25:
                counter += true if accumulator > operand else false
            case 0x06:
                kinds = {0x7FFF0000: ALLOW, 0x80000000: KILL, 0x00050000: errno.errorcode.get(operand & 0xFFFF)}
                return kinds[operand & 0xFFFF0000]


THREAD = 0x3D0F00  # what glibc and musl give to clone for a thread
CALLS = {
    "clone": [
        ((THREAD,), ALLOW),
        ((17,), "EPERM"),
        ((THREAD | 0x10000000,), "EPERM"),
        ((0x4111,), "EPERM"),
        ((0x10900,), "EPERM"),
    ],
    "kill": [((PID, 9), ALLOW), ((0, 9), "EPERM"), ((PID + 1, 9), "EPERM"), ((1 << 32 | 7, 9), "EPERM")],
    "tgkill": [((PID, PID, 6), ALLOW), ((PID - 1, PID - 1, 6), "EPERM")],
    "prlimit64": [((0, 7), ALLOW), ((PID, 7), ALLOW), ((1, 7), "EPERM")],
    "sched_setaffinity": [((0, 8), ALLOW), ((1, 8), "EPERM")],
    "socketpair": [((1, 1, 0), ALLOW), ((1, 0x80001, 0), ALLOW), ((1, 2, 0), "EPERM"), ((2, 1, 0), "EPERM")],
    "fcntl": [((3, 1), ALLOW), ((3, 4), ALLOW), ((3, 8), "EPERM"), ((3, 1026), "EPERM")],
    "ioctl": [((0, 0x5401), ALLOW), ((0, 0x5412), "EPERM"), ((0, 0xFFFFFFFF00005412), "EPERM")],
    "close_range": [((3, 9, 0), ALLOW), ((3, 9, 4), ALLOW), ((3, 9, 2), "EPERM"), ((3, 9, 6), "EPERM")],
    "mmap": [
        ((0, 1, 3, 0x22), ALLOW),
        ((0, 1, 3, 1, 4), ALLOW),
        ((0, 1, 3, 0x21), "EPERM"),
        ((0, 1, 3, 0x8023), "EPERM"),
    ],
    "prctl": [((15, 0), ALLOW), ((1, 0), "EPERM"), ((4, 0), "EPERM"), ((0x59616D61, 1), "EPERM")],
    "execve": [((), "EPERM")],
    "socket": [((1, 1, 0), "EPERM")],
    "io_uring_setup": [((), "EPERM")],
    "clone3": [((), "ENOSYS")],
}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", CALLS)
def test_calls_are_answered_by_their_arguments(machine, name):
    program = seccomp.program(PID, machine)
    for arguments, expected in CALLS[name]:
        assert answer(program, numbers(machine)[name], arguments, machine) == expected, arguments


@pytest.mark.parametrize("machine", MACHINES)
def test_every_call_that_is_denied_is_denied(machine):
    program, number = seccomp.program(PID, machine), numbers(machine)
    for name in seccomp.DENIED:
        assert name not in number or answer(program, number[name], (), machine) == "EPERM", name
    assert len(program) < 4096


def test_an_agent_with_a_gpu_may_share_memory():
    program = seccomp.program(PID, "x86_64", shared_memory=True)
    assert answer(program, numbers("x86_64")["mmap"], (0, 1, 3, 0x21)) == ALLOW


def test_other_architectures_and_unknown_calls():
    program = seccomp.program(PID, "x86_64")
    assert answer(program, 11, (), "i386") == KILL
    assert answer(program, 0x40000000 + 59) == "ENOSYS"  # x32
    assert {answer(program, number) for number in (451, 600, 0xFFFFFFFF)} == {"ENOSYS"}
    assert {answer(program, number) for number in (0, 1, 7, 9, 202, 450)} == {ALLOW}  # read write poll mmap futex


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_the_c_library(machine):
    header = Path(HEADERS[machine])
    if not header.exists():
        pytest.skip(f"no {header}")
    found = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text(encoding="utf-8"), re.MULTILINE)
    known = {name: int(number) for name, number in found}
    listed = numbers(machine)
    assert {name: number for name, number in listed.items() if name in known and known[name] != number} == {}
    assert len(listed.keys() & known.keys()) > 0.9 * len(listed)
    assert {name for name in seccomp.DENIED if name in known} <= listed.keys()


def test_a_machine_that_nobody_has_listed():
    assert numbers("riscv64") == {}
