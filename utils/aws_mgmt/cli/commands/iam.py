"""iam: print the generated IAM policies of the roles. It looks at nothing and needs no credentials."""

from __future__ import annotations

import json

from dr_actions.iam.policies import IamRole, declared_operations, policies
from dr_estate.config.environment import Environment
from reports.terminal import console
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DIAGNOSIS
from utils.aws_mgmt.app.options import IamOptions


def iam_command(options: IamOptions, environment: Environment) -> Exit:
    """Print the policies of one role, or of all roles where none is named, as one JSON value.

    One role: ``{policy name: document}``; all: ``{role: {policy name: document}}``. Raises UsageError for a role that
    is none, and for a format that cannot hold policies.
    """
    if options.format not in {"terminal", "json"}:
        raise UsageError(f"iam prints JSON only, not {options.format}: leave --format out.")
    role = options.role
    if role and role not in set(IamRole):
        raise UsageError(f"there is no role '{role}': choose {', '.join(IamRole)}, or none for all.")
    documents = policies(environment, declared_operations())
    console.result(json.dumps(documents[role] if role else documents, indent=2) + "\n", "json")
    printed = f"{len(documents[role])} policies of the {role}" if role else f"the policies of {len(documents)} roles"
    console.conclude(options.format, f"{printed}, exit {Exit.READY}", str(DIAGNOSIS), beside=True)
    return Exit.READY
