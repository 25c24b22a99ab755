"""The playbooks name exactly what the verbs may send, in IAM's words, so that nothing is denied in mid-recovery."""

from __future__ import annotations

from collections.abc import Iterable

from dr_actions.actions.registry import verbs
from dr_actions.control_table.table import CONTROL_CALLS
from dr_actions.guard.destructive_operations import looks
from dr_actions.iam.action_names import actions_of
from dr_actions.model.action import AWAY, HOME, Verb
from dr_estate.model.playbook import (
    FAILBACK,
    FAILOVER,
    HOMECOMING,
    PROVISIONING,
    PlaybookStep,
    changing_actions,
    looking_actions,
    needed_actions,
)

READ_WHILE_WRITING = {"kms:Decrypt"}  # changes nothing, and is not called a look by its name


def in_iams_words(operations: Iterable[str]) -> set[str]:
    return {action for operation in operations for action in actions_of(operation)}


def sent_by(chosen: Iterable[Verb]) -> set[str]:
    return in_iams_words(operation for verb in chosen for operation in verb.writes)


def named(steps: Iterable[PlaybookStep]) -> set[str]:
    return {action for step in steps for action in (*step.actions, *step.home)}


def changing(actions: set[str]) -> set[str]:
    return {a for a in actions if not looks(a.split(":")[1])} - READ_WHILE_WRITING


def test_the_failovers_playbook_names_what_its_verbs_send_and_the_record_and_terraform_and_nothing_else() -> None:
    sent = sent_by(verb for verb in verbs().values() if verb.goals & AWAY)
    assert changing(sent | in_iams_words(CONTROL_CALLS)) | set(PROVISIONING) == named(FAILOVER)


def test_the_failbacks_playbook_names_what_its_verbs_send_and_nothing_else() -> None:
    sent = sent_by(verb for verb in verbs().values() if verb.goals & HOME)
    assert sent
    assert changing(sent) == named(FAILBACK)


def test_what_verbs_read_while_they_act_is_named_too() -> None:
    read = in_iams_words(operation for verb in verbs().values() for operation in verb.reads)
    record = {action for action in in_iams_words(CONTROL_CALLS) if looks(action.split(":")[1])}
    assert set() == (read | record) - set(looking_actions())


def test_what_changes_and_what_looks_are_told_apart() -> None:
    assert set() == {a for a in changing_actions() if looks(a.split(":")[1])}
    assert READ_WHILE_WRITING == {a for a in looking_actions() if not looks(a.split(":")[1])}
    assert set(changing_actions()) | set(looking_actions()) | HOMECOMING == set(needed_actions())
