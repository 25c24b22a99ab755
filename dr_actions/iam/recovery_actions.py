"""The IAM actions of a recovery and its failback, from what the actions declare and the control table sends. Pure.

The rooms below, which judge whether an operator has these rights, read them in ``dr_estate/model/playbook_actions.py``:
`make docs` writes that file, and a test keeps it fresh.
"""

from __future__ import annotations

from collections.abc import Iterable

from dr_actions.actions.registry import actions
from dr_actions.control_table.table import CONTROL_CALLS
from dr_actions.guard.destructive_operations import is_read
from dr_actions.iam.action_names import actions_of
from dr_actions.model.action import TO_DR, TO_PRIMARY
from dr_estate.model.playbook import COPIED

_DECRYPT = "kms:Decrypt"  # a service asks for it in the caller's name: it changes nothing, whatever its name is


def recovery_writes() -> tuple[str, ...]:
    """What changes something, sorted."""
    recovering = (action for action in actions().values() if action.goals & (TO_DR | TO_PRIMARY))
    sent = _in_iams_words(CONTROL_CALLS, *(action.writes for action in recovering))
    return tuple(sorted(name for name in sent if not _looks(name)))


def recovery_reads() -> tuple[str, ...]:
    """What the actions and the control table look at while they act, sorted; of objects failback policies say which."""
    read = _in_iams_words(*(action.reads for action in actions().values()))
    record = {name for name in _in_iams_words(CONTROL_CALLS) if _looks(name)}
    return tuple(sorted((read | record) - COPIED))


def _looks(name: str) -> bool:
    return name == _DECRYPT or is_read(name.partition(":")[2])


def _in_iams_words(*operations: Iterable[str]) -> set[str]:
    return {name for group in operations for operation in group for name in actions_of(operation)}
