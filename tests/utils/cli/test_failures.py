"""What could not be done is a sentence with the way on."""

from __future__ import annotations

import errno

import pytest

from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from tests.house.commands import commands_of
from tests.utils.parsed import parsed
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.cli.failures import failure_of


@pytest.mark.parametrize(
    ("words", "kind", "commands"),
    [
        ("-e sit failover", UnavailableKind.UNREACHABLE, ["doctor"]),
        ("-e sit failover", UnavailableKind.CREDENTIALS, []),
        ("-e sit doctor", UnavailableKind.UNREACHABLE, []),
        ("-e sit init --region eu-west-1", UnavailableKind.UNREACHABLE, []),
    ],
    ids=["leads to doctor", "says to log in", "is doctor", "has no environment yet"],
)
def test_what_could_not_be_read_leads_to_the_diagnosis(words: str, kind: UnavailableKind, commands: list[str]) -> None:
    unseen = DataUnavailable(Unavailable(kind, "it does not answer."))
    failure = failure_of(parsed(Options, words), unseen)
    assert (Exit.COULD_NOT_SEE, commands) == (failure.exit, commands_of(failure.sentence))
    assert failure.sentence.startswith("it does not answer.")


def test_a_full_disk_that_no_file_is_named_of_leads_to_another_folder() -> None:
    failure = failure_of(parsed(Options, "-e sit status"), OSError(errno.ENOSPC, "No space left on device"))
    assert failure.exit is Exit.COULD_NOT_SEE
    assert failure.sentence.startswith("No space left on device, ")
    assert failure.sentence.endswith("--output DIR.")
