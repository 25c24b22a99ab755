"""What could not be done is a sentence with the way on."""

from __future__ import annotations

import errno
from pathlib import Path

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


def test_refused_credentials_lead_to_the_login_of_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[profile night]\nsso_session = x\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "night")
    unseen = DataUnavailable(Unavailable(UnavailableKind.CREDENTIALS, "refused the credentials (ExpiredToken)."))
    sentences = [failure_of(parsed(Options, f"-e sit{words} status"), unseen).sentence for words in ("", " --sandbox")]
    assert sentences == [f"{unseen} `aws sso login --profile night` logs in.", str(unseen)]


def test_a_full_disk_that_no_file_is_named_of_leads_to_another_folder() -> None:
    failure = failure_of(parsed(Options, "-e sit status"), OSError(errno.ENOSPC, "No space left on device"))
    assert failure.exit is Exit.COULD_NOT_SEE
    assert failure.sentence.startswith("No space left on device, ")
    assert failure.sentence.endswith("--output DIR.")
