"""Which sentences are broken into lines, and where."""

from __future__ import annotations

import pytest

from reports.values.escaping import holds_command, lines_around_commands


@pytest.mark.parametrize(
    ("text", "unbroken"),
    [
        ("A single call, or one terraform destroy, would delete it.", False),
        ("Take the lock away with `terraform force-unlock 4711`.", True),
        ("Use --replan.", True),
        ("aws rds modify-db-instance", True),
        ("It is in AWS Backup.", False),
    ],
)
def test_prose_is_wrapped_and_what_is_copied_is_not(text: str, unbroken: bool) -> None:
    assert holds_command(text) is unbroken


@pytest.mark.parametrize("end", ["", ",", "."])
def test_words_wrap_and_a_command_between_backticks_has_a_line_of_its_own(end: str) -> None:
    text = f"There is no database prod-mysql. To end it: `dr_cli.py -e prod failover`{end} moves visitors away."
    assert lines_around_commands(text, 30) == [
        "There is no database",
        "prod-mysql. To end it:",
        "dr_cli.py -e prod failover",
        "moves visitors away.",
    ]


def test_a_command_whose_end_is_not_marked_is_never_broken() -> None:
    text = "Start it: aws rds start-db-instance --db-instance-identifier prod-mysql"
    assert lines_around_commands(text, 30) == [text]
