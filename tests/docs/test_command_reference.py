"""The command reference is what the commands' help says."""

from tests.docs.command_reference import PAGE, page


def test_the_reference_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/commands.md is stale; write it again with `make commands`"
