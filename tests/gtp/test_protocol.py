"""GTP as text: what is a command, how an answer looks, and that everything is answered once."""

import io

import pytest

from rlbench.gtp.protocol import MAX_LINE, GtpError, answer, number, parse, serve, whole_number


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"genmove b\n", ("", "genmove", ("b",))),
        (b"12 play\tblack   C3\r\n", ("12", "play", ("black", "C3"))),
        (b"007 name # who?\n", ("007", "name", ())),
        (b"1 2 3\n", ("1", "2", ("3",))),
        (b"na\x07me\x00\n", ("", "name", ())),
        (b"caf\xc3\xa9 \xff\n", ("", "caf\u00e9", ("\ufffd",))),
        (b"# play b A1\n", None),
        (b"  \t \r\n", None),
        (b"12\n", None),
        (b"\n", None),
    ],
)
def test_a_line_is_a_command_or_nothing(line, command):
    assert parse(line) == command


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (("", ""), "=\n\n"),
        (("", "C3"), "= C3\n\n"),
        (("12", "C3"), "=12 C3\n\n"),
        (("12", "illegal move", "?"), "?12 illegal move\n\n"),
        (("", "a\n\n\nb\n"), "= a\nb\n\n"),
        (("3", "\n A B\n1 . . 1"), "=3 \n A B\n1 . . 1\n\n"),
    ],
)
def test_an_answer_ends_with_an_empty_line_and_holds_none(given, sent):
    assert answer(*given) == sent


def served(data, **handlers):
    """All that is sent for some input."""
    sent = []
    serve(handlers, io.BytesIO(data), sent.append)
    return "".join(sent)


def refuse(arguments):
    raise GtpError("cannot undo")


def test_every_command_is_answered_once_and_in_order():
    data = b"\n1 echo a b\n#\n2 undo\necho\n3 nonsense\n4 quit\n5 echo never\n"
    answers = "=1 a b\n\n?2 cannot undo\n\n=\n\n?3 unknown command\n\n=4\n\n"
    assert served(data, echo=" ".join, undo=refuse) == answers


def test_the_protocol_knows_its_own_commands():
    data = b"protocol_version\nknown_command echo\nknown_command Echo\nknown_command\nlist_commands\n"
    listed = "echo\nknown_command\nlist_commands\nprotocol_version\nquit"
    assert served(data, echo=" ".join) == f"= 2\n\n= true\n\n= false\n\n= false\n\n= {listed}\n\n"


def test_the_end_of_the_input_is_the_end():
    assert served(b"1 echo a", echo=" ".join) == "=1 a\n\n"
    assert served(b"", echo=" ".join) == ""


def test_a_line_without_end_is_one_mistake_and_little_memory():
    data = b"1 echo " + b"x" * (3 * MAX_LINE) + b"\n2 echo b\n"
    assert served(data, echo=" ".join) == "?1 syntax error\n\n=2 b\n\n"


@pytest.mark.parametrize("word", ["", "x", "1.5", "1e3", "0x10", "--1", "1_000", "٣", "9" * 5_000])
def test_what_is_no_whole_number_is_a_syntax_error(word):
    with pytest.raises(GtpError, match=r"^syntax error$"):
        whole_number([word])


@pytest.mark.parametrize("word", ["", "x", "nan", "inf", "-Infinity", "1e999", "1_0.0", "7,5", "."])
def test_what_is_no_finite_number_is_a_syntax_error(word):
    with pytest.raises(GtpError, match=r"^syntax error$"):
        number([word])


def test_numbers_are_read_at_their_place():
    assert whole_number(["a", "-12"], 1) == -12
    assert [number([word]) for word in ("7", "7.5", "-.5", "+6.", "65e-1")] == [7.0, 7.5, -0.5, 6.0, 6.5]
    with pytest.raises(GtpError):
        whole_number(["1"], 1)


def test_nothing_is_carried_out_for_nobody():
    done = []
    serve(
        {"note": lambda arguments: done.append(arguments) or ""}, io.BytesIO(b"note\n" * 5), lambda text: len(done) < 3
    )
    assert len(done) == 3
