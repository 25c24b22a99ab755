"""The playbooks name exactly what the actions may send, in IAM's words, so that nothing is denied in mid-recovery."""

from __future__ import annotations

from dr_actions.actions.registry import actions
from dr_actions.guard.destructive_operations import is_read
from dr_actions.iam.action_names import actions_of
from dr_actions.model.action import TO_PRIMARY
from dr_estate.model.playbook import FAILBACK_WRITES, changing_actions, needed_actions, read_actions
from utils.aws_mgmt.generate.playbook_actions import FILE, text


def test_iam_actions_of_playbooks_are_those_that_actions_declare() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "`make docs` writes it"


def test_every_failback_permission_is_sent_by_an_action_of_the_failback() -> None:
    recovering = [action for action in actions().values() if action.goals & TO_PRIMARY]
    sent = {name for action in recovering for operation in action.writes for name in actions_of(operation)}
    assert sent
    assert set() == FAILBACK_WRITES - sent


def test_what_changes_and_what_reads_are_distinguished() -> None:
    assert set() == {a for a in changing_actions() if is_read(a.split(":")[1])}
    assert {"kms:Decrypt"} == {a for a in read_actions() if not is_read(a.split(":")[1])}
    assert set(changing_actions()) | set(read_actions()) | FAILBACK_WRITES == set(needed_actions())
