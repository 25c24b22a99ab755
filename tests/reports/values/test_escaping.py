"""Which sentences are never broken into lines."""

from __future__ import annotations

import pytest

from reports.values.escaping import holds_command


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
