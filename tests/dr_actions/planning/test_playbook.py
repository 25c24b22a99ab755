"""The playbooks name exactly what the actions may send, in IAM's words, so that nothing is denied in mid-recovery."""

from __future__ import annotations

from collections.abc import Iterable

from dr_actions.actions.registry import actions
from dr_actions.control_table.table import CONTROL_CALLS
from dr_actions.guard.destructive_operations import is_read
from dr_actions.iam.action_names import actions_of
from dr_actions.model.action import TO_DR, TO_PRIMARY, Action
from dr_estate.model.playbook import (
    COPIED,
    FAILBACK_WRITES,
    PROVISIONING,
    REPLICATING,
    changing_actions,
    needed_actions,
    read_actions,
)

READ_WHILE_WRITING = {"kms:Decrypt"}  # changes nothing, and is not called a look by its name


def in_iams_words(operations: Iterable[str]) -> set[str]:
    return {action for operation in operations for action in actions_of(operation)}


def sent_by(chosen: Iterable[Action]) -> set[str]:
    return in_iams_words(operation for action in chosen for operation in action.writes)


def changing(actions: set[str]) -> set[str]:
    return {a for a in actions if not is_read(a.split(":")[1])} - READ_WHILE_WRITING


def test_the_playbooks_name_what_actions_the_record_and_terraform_send_and_nothing_else() -> None:
    sent = sent_by(action for action in actions().values() if action.goals & (TO_DR | TO_PRIMARY))
    named = {*changing_actions(), *FAILBACK_WRITES, *REPLICATING}
    assert changing(sent | in_iams_words(CONTROL_CALLS)) | set(PROVISIONING) == named


def test_every_failback_permission_is_sent_by_an_action_of_the_failback() -> None:
    sent = sent_by(action for action in actions().values() if action.goals & TO_PRIMARY)
    assert sent
    assert set() == FAILBACK_WRITES - sent


def test_what_verbs_read_while_they_act_is_named_too() -> None:
    read = in_iams_words(operation for action_name in actions().values() for operation in action_name.reads)
    record = {action for action in in_iams_words(CONTROL_CALLS) if is_read(action.split(":")[1])}
    assert set() == (read | record) - set(read_actions()) - COPIED


def test_what_changes_and_what_reads_are_distinguished() -> None:
    assert set() == {a for a in changing_actions() if is_read(a.split(":")[1])}
    assert READ_WHILE_WRITING == {a for a in read_actions() if not is_read(a.split(":")[1])}
    assert set(changing_actions()) | set(read_actions()) | FAILBACK_WRITES == set(needed_actions())
