"""What may be handed to Systems Manager: the start of the environment's own document, and its approval. Pure.

What any other document would do no guard sees.
"""

from __future__ import annotations

from dr_actions.guard.context import GuardContext
from dr_actions.model.plan import Call
from dr_estate.config.environment import Side

START, SIGNAL = "ssm:StartAutomationExecution", "ssm:SendAutomationSignal"
_ANSWERS = ("Approve", "Reject")


def exempt(call: Call, context: GuardContext) -> bool:
    """Whether ``call`` starts the document of the environment's control stack, or answers what it asks."""
    env = context.env
    if not (env.automation.enabled or env.holds_full_drills) or call.region != env.region(Side.DR):
        return False
    if call.name == START:
        return call.params.get("DocumentName") == env.named(env.names.recovery_document)
    return env.automation.enabled and call.name == SIGNAL and call.params.get("SignalType") in _ANSWERS
