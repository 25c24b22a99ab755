"""Commands of this tool as text, completed with what the user typed."""

from __future__ import annotations

import pytest

from dr_estate.model.invocation import Invocation

PATH = "python utils/aws_mgmt/dr_cli.py"
RENAME = "aws rds modify-db-instance --new-db-instance-identifier b"
UNLOCK = "/opt/tofu force-unlock 6f6c8a3e-1"
REACHED = 'AWS_ENDPOINT_URL="${AWS_ENDPOINT_URL:?}"'
THERE = '--endpoint-url "$AWS_ENDPOINT_URL"'


@pytest.mark.parametrize(
    ("options", "text", "completed"),
    [
        ((), "`dr_cli.py status`", "`dr_cli.py status`"),
        (("-e", "sit"), "`dr_cli.py status`", f"`{PATH} -e sit status`"),
        (("-e", "sit"), "`dr_cli.py --sandbox status`", f"`{PATH} -e sit --sandbox status`"),
        (("-e", "sit", "--sandbox"), "`dr_cli.py --sandbox status`", f"`{PATH} -e sit --sandbox status`"),
        (("-e", "sit", "--sandbox"), "`dr_cli.py sandbox mend x`", f"`{PATH} -e sit --sandbox sandbox mend x`"),
        (("-e", "sit"), f"`{PATH} status`", f"`{PATH} status`"),
        (("-e", "sit"), f"Or `{RENAME}`.", f"Or `{RENAME}`."),
        (("-e", "sit", "--sandbox"), f"Or `{RENAME}`.", f"Or `{RENAME} {THERE}`."),
        (("-e", "sit", "--sandbox"), f"Or `{RENAME} {THERE}`.", f"Or `{RENAME} {THERE}`."),
        (("-e", "sit", "--sandbox"), f"Or `{RENAME} --endpoint-url x`.", f"Or `{RENAME} --endpoint-url x`."),
        (("-e", "sit"), "Or `crane copy a b`.", "Or `crane copy a b`."),
        (("-e", "sit", "--sandbox"), "Or `crane copy a b`.", "Or `# not in a sandbox: crane copy a b`."),
        (("-e", "sit"), f"Or `{UNLOCK}`.", f"Or `{UNLOCK}`."),
        (("-e", "sit", "--sandbox"), f"Or `{UNLOCK}`.", f"Or `{REACHED} {UNLOCK}`."),
        (("-e", "sit", "--sandbox"), f"Or `{REACHED} {UNLOCK}`.", f"Or `{REACHED} {UNLOCK}`."),
        (("-e", "sit", "--sandbox"), "`terraform state push a`", f"`{REACHED} terraform state push a`"),
    ],
)
def test_a_bare_command_is_completed_once_and_no_option_stands_twice(
    options: tuple[str, ...], text: str, completed: str
) -> None:
    assert Invocation(options).complete(text) == completed
