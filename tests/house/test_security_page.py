"""docs/security.md: each sentence that claims something, and the tests that attack it.

Write a sentence of the page here as it stands there, with the node ids of the tests that would turn red were it untrue;
what is not stopped too: its test turns red on the day it is. What claims nothing of this product is in ``NO_CLAIMS``.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_LINK = re.compile(r"\]\(\.\./(tests/[^)]+\.py)\)|\]\((test_[a-z_]+\.py)\)")


@dataclass(frozen=True)
class Claim:
    """A sentence of the page, or a row of a table (actor, what could be tried, what stops it), and its tests."""

    sentence: str
    tests: tuple[str, ...]

    def __init__(self, sentence: str, *tests: str) -> None:
        object.__setattr__(self, "sentence", sentence)
        object.__setattr__(self, "tests", tests)


ACTORS = (
    Claim(
        "reader | keys that look, and the source of this tool",
        "tests/dr_actions/iam/test_policies.py::test_the_reader_only_looks",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::test_the_approver_and_the_reader_change_nothing",
    ),
    Claim(
        "operator | keys of `ENV-dr-operator` (in PROD: looking, asking AWS for a run, the own pause), the "
        "machine with environment files, journals and results, the source of this tool",
        "tests/dr_actions/iam/test_automated_policies.py::test_no_persons_role_changes_anything_of_the_estate",
        "tests/dr_actions/iam/test_automated_policies.py::"
        "test_a_pause_has_the_key_of_its_author_and_approvers_set_items_aside",
        "tests/dr_actions/iam/test_automated_policies.py::"
        "test_the_operator_starts_this_document_alone_and_approves_nothing",
        "tests/proofs/test_automation.py::test_the_operators_own_keys_change_nothing_of_the_estate",
    ),
    Claim(
        "approver | keys of `ENV-dr-approver`: reading, own items `APPROVAL#<aws:userid>`, the own pause, what "
        "`repair` writes of the control table, the key that signs evidence; in PROD also the answer to a start, "
        "and the tag that opens the break-glass role",
        "tests/dr_actions/iam/test_policies.py::test_the_approver_changes_nothing_anywhere",
        "tests/dr_actions/iam/test_automated_policies.py::test_the_approver_approves_and_starts_nothing",
        "tests/dr_actions/iam/test_automated_policies.py::"
        "test_a_pause_has_the_key_of_its_author_and_approvers_set_items_aside",
        "tests/dr_actions/iam/test_automated_policies.py::"
        "test_an_approver_tags_the_break_glass_role_and_may_not_assume_it",
        "tests/dr_actions/iam/test_policies.py::test_evidence_is_signed_by_the_approver_with_its_own_key_alone",
        "tests/dr_actions/iam/test_policies.py::test_approvals_are_written_by_their_author_and_records_by_the_operator",
    ),
    Claim(
        "driller | keys of `ENV-dr-drill`: restoring to, asking and removing what bears a drill's name, the "
        "tenants' tasks in the DR region, the records of trials, the own pause; where full drills are allowed "
        "(not in PROD as shipped) also what a recovery may",
        "tests/dr_actions/iam/test_trial_policies.py::test_it_may_in_the_dr_region_alone",
        "tests/dr_actions/iam/test_trial_policies.py::test_a_trial_records_what_is_its_own_and_nothing_of_an_incident",
        "tests/dr_actions/iam/test_trial_policies.py::"
        "test_no_request_of_a_recovery_is_allowed_but_what_a_trial_needs_too",
        "tests/utils/test_not_stopped.py::test_a_driller_changes_no_task_command_and_takes_only_the_drill_lock",
        "tests/sandbox/test_people_permissions.py::"
        "test_a_driller_holds_a_recoverys_rights_where_full_drills_are_allowed",
        "tests/utils/test_not_stopped.py::test_prod_as_shipped_starts_runs_by_aws_and_refuses_full_drills",
    ),
)
STOPPED = (
    Claim(
        "operator | set `people = 1`, name another approver, or ease a gate in the environment file or by "
        "`--config` | rules pinned by an approver: `authority.rules`",
        "tests/utils/test_forged.py::test_other_rules_than_the_pinned_ones_run_nothing_and_are_named",
    ),
    Claim(
        "operator | set `people = 1` before anybody pinned rules | the control table's tag `dr:people`, which no "
        "operator may write: `authority.people`",
        "tests/utils/test_forged.py::test_where_nobody_pinned_rules_a_file_for_one_person_runs_nothing",
    ),
    Claim(
        "operator | accept every gap by `--exceptions` with `*`, or for ever | where two people are asked such a "
        "file is refused; elsewhere each such exception is listed before every answer, with who accepted it. "
        "Exceptions are part of the pinned rules",
        "tests/utils/test_forged.py::test_a_wildcard_or_endless_exception_is_refused_for_two_people",
        "tests/utils/test_status.py::test_an_exception_of_everything_is_listed_on_every_answer",
        "tests/utils/test_forged.py::test_other_rules_than_the_pinned_ones_run_nothing_and_are_named",
    ),
    Claim(
        "operator | pin other rules, or write an approval | `dynamodb:LeadingKeys`: no operator writes `APPROVAL#*`",
        "tests/utils/test_forged.py::test_iam_keeps_the_operator_from_pinning_rules_by_plain_calls",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::"
        "test_operator_and_approver_write_their_own_parts_of_the_control_table",
        "tests/sandbox/test_people_permissions.py::"
        "test_approvals_are_the_approvers_own_and_the_record_is_the_operators",
    ),
    Claim(
        "operator | let an approval given under other rules count | an approval names the digest of its rules",
        "tests/utils/test_forged.py::test_an_approval_given_under_other_rules_allows_nothing",
        "tests/dr_actions/authorization/test_rules.py::test_an_approval_counts_under_its_own_rules_alone",
    ),
    Claim(
        "operator | forge a journal, in the file or the mirror, and go on with it | the approver's own item is "
        "read again",
        "tests/utils/test_forged.py::test_a_forged_journal_on_the_operators_disk_runs_nothing",
        "tests/utils/test_forged.py::test_a_forged_mirror_that_iam_lets_the_operator_write_runs_nothing",
    ),
    Claim(
        "operator | cut the journal, chain it again, put in one of another world | `log --verify` compares with "
        "the mirror, and names the entry",
        "tests/utils/test_forged_log.py::test_a_file_that_was_cut_at_its_end_shows_from_which_entry_on",
        "tests/utils/test_forged_log.py::test_a_file_that_was_chained_again_shows_from_which_entry_on",
        "tests/utils/test_forged_log.py::test_one_mirror_item_out_of_its_chain_is_reported_with_its_number",
        "tests/utils/test_forged_log.py::test_a_mirror_that_was_rewritten_or_lacks_entries_shows_too",
        "tests/utils/test_forged_log.py::test_a_record_of_another_world_is_refused_by_incident",
    ),
    Claim(
        "operator | keep the mirror from being compared | NOT COMPARED is exit 3, never 0",
        "tests/utils/test_forged_log.py::test_without_its_mirror_a_record_is_not_compared_and_no_success",
        "tests/utils/test_forged_log.py::test_what_was_compared_with_what_decides_whether_it_is_a_success",
    ),
    Claim(
        "operator | rewrite or cut file and mirror alike, also while the log group was unreachable | heads are "
        "anchored in CloudWatch Logs, whose events nobody changes: `log --verify` names the entry, and wants for "
        "each one, the last too, a head that arrived near its time",
        "tests/utils/test_forged_log.py::test_a_file_and_a_mirror_rewritten_alike_differ_from_the_anchors",
        "tests/utils/test_forged_log.py::test_a_file_and_a_mirror_that_are_cut_alike_show_from_which_entry_on",
        "tests/utils/test_forged_log.py::test_a_record_rewritten_where_no_head_could_be_put_is_not_believed",
        "tests/utils/test_forged_log.py::test_the_operator_cannot_take_anchors_away",
        "tests/utils/test_forged_log.py::test_heads_put_long_after_or_before_their_entries_prove_nothing",
        "tests/dr_actions/journal/test_anchors.py::test_a_last_head_in_time_proves_nothing_of_entries_rewritten_before",
    ),
    Claim(
        "operator | rewrite the record, and put false heads into the log before or beside the true ones | two "
        "heads of one entry are CONTESTED, exit 3, and both arrivals are named; a head that arrived before its "
        "entry says it was written proves nothing",
        "tests/utils/test_forged_log.py::test_two_heads_of_one_entry_are_contested_whichever_came_first",
        "tests/utils/test_forged_log.py::test_heads_put_long_after_or_before_their_entries_prove_nothing",
        "tests/dr_actions/journal/test_anchors.py::test_of_two_heads_of_one_entry_in_one_second_neither_proves_it",
    ),
    Claim(
        "operator | do the same where the administrator deletes the log | where `names.anchor_bucket` names a "
        "bucket with Object Lock, heads are there too, and in every message of a run",
        "tests/proofs/test_anchor_bucket.py::test_a_record_rewritten_in_all_other_places_shows_in_the_bucket",
        "tests/dr_actions/actions/notifications/test_notifications.py::"
        "test_a_message_carries_the_head_of_the_journal_and_is_a_new_event_each",
        "tests/proofs/test_break_glass.py::test_nothing_runs_by_the_break_glass_role_without_an_approver",
    ),
    Claim(
        "operator | put a head whose upload was begun before anybody knew it, so that it seems to have arrived first | "
        "no run uploads a head in parts: one that was counts for nothing",
        "tests/proofs/test_anchor_bucket.py::test_a_head_whose_upload_began_too_early_counts_for_nothing",
    ),
    Claim(
        "stranger | own a bucket of the name in another account, where ours is not there: heads are read from it, and "
        "runs' files kept in it | each call names the account that the bucket must be of",
        "tests/dr_actions/journal/test_anchors.py::test_a_bucket_of_that_name_in_another_account_is_not_trusted",
    ),
    Claim(
        "operator, recovery, break-glass | rewrite, cut or predate the record, in file, mirror and log alike | "
        "where `names.stream_bucket` names a bucket, AWS anchors each change of the control table in it, in the "
        "order of arrival, and `log --verify` goes by these alone: REWRITTEN, with each moment, exit 3",
        "tests/utils/test_stream_anchors.py::test_a_record_that_is_rewritten_everywhere_else_is_not_believed",
        "tests/utils/test_stream_anchors.py::test_a_record_that_is_cut_in_file_and_mirror_is_not_believed",
        "tests/utils/test_stream_anchors.py::test_a_record_of_before_or_after_its_time_is_not_believed",
        "tests/proofs/test_stream_anchors.py::test_what_a_run_wrote_is_as_aws_anchored_it",
    ),
    Claim(
        "operator, driller | rewrite or predate what is on record of changes and runs, close or invent an "
        "override by another program | the same anchors: ALTERED, with the item, exit 3",
        "tests/utils/test_stream_anchors.py::test_what_is_on_record_is_as_it_was_written_and_when",
        "tests/utils/test_stream_anchors.py::test_an_override_that_no_command_gave_or_closed_shows",
    ),
    Claim(
        "operator, driller | have an override shown that no run began with, or hide one, by an item of the "
        "control table | overrides are shown from the open incident's journal, whose chain and anchors `status` "
        "compares",
        "tests/utils/test_begin.py::test_overrides_are_the_journals_and_no_item_invents_or_closes_one",
        "tests/utils/test_begin.py::test_status_sees_the_broken_record_of_the_open_incident",
        "tests/utils/test_stream_anchors.py::test_an_entry_that_aws_saw_differently_makes_the_record_unknown",
    ),
    Claim(
        "driller, CI | invent a test of the past, put one while AWS writes no anchors, or change one on record, "
        "so that none is late | the same anchors: it does not count (without an anchor a quarter of an hour after "
        "its own date), and `schedule` and `status` name it",
        "tests/utils/test_stream_anchors.py::test_an_invented_or_changed_test_counts_for_no_schedule",
        "tests/utils/test_stream_anchors.py::test_a_test_put_without_aws_anchors_counts_for_a_quarter_of_an_hour",
        "tests/utils/test_stream_anchors.py::test_a_test_that_aws_did_not_see_written_is_unknown_to_the_schedule",
    ),
    Claim(
        "operator | spoil a true record by false heads in the log | where AWS anchors, they count for nothing",
        "tests/utils/test_stream_anchors.py::test_heads_that_an_operator_puts_into_the_log_spoil_nothing_there",
    ),
    Claim(
        "operator, recovery, break-glass, approver, driller | delete, hide or overwrite an anchor of AWS's, put a "
        "false one, change or start the function, turn off its mapping or the table's stream, take or change its "
        "role | no right to any of it, and to change or start a function is denied by name; the bucket takes "
        "objects from the function's role alone, which Lambda alone may take; Object Lock keeps each version, "
        "from the administrator too",
        "tests/utils/test_stream_anchors.py::test_nobody_but_an_administrator_keeps_aws_from_anchoring",
        "tests/utils/test_stream_anchors.py::test_an_administrator_takes_no_anchor_away_either",
        "tests/proofs/test_stream_anchors.py::test_a_session_of_a_recoverys_role_keeps_aws_from_nothing",
        "tests/deploy/test_stream_anchors.py::test_the_bucket_is_locked_for_years_and_only_the_function_writes",
        "tests/deploy/test_stream_anchors.py::test_no_role_of_the_stack_may_touch_what_writes_anchors",
        "tests/deploy/test_stream_anchors.py::test_who_may_run_a_recovery_is_denied_it_by_name",
    ),
    Claim(
        "administrator | turn off the stream of the control table, its mapping or the lock of its bucket, or let a "
        "filter of the mapping drop what is written, unseen | `evidence.anchored` of `status` names each",
        "tests/utils/test_stream_anchors.py::test_status_names_what_keeps_aws_from_anchoring",
        "tests/utils/test_stream_anchors.py::test_status_names_a_mapping_that_lets_no_change_through",
        "tests/dr_checks/test_examples.py::test_the_check_judges_its_examples_as_expected",
    ),
    Claim(
        "operator, driller | hold up the anchors by an item that the function cannot keep | of any item it makes "
        "a name that S3 takes",
        "tests/deploy/test_stream_anchors.py::test_no_item_that_anybody_writes_holds_up_the_records_that_follow",
    ),
    Claim(
        "operator | have a run on AWS recorded as a rehearsal, or a rehearsal as the account's, by endpoints in "
        "`~/.aws/config` | the world is where botocore's own clients go, by variables and files",
        "tests/dr_estate/aws/test_configured_endpoints.py::test_what_stands_for_aws_is_what_botocore_finds",
        "tests/dr_estate/aws/test_configured_endpoints.py::"
        "test_a_file_that_names_the_endpoint_of_one_service_makes_another_world",
        "tests/dr_estate/aws/test_configured_endpoints.py::"
        "test_a_run_on_aws_is_no_sandbox_though_a_file_ignores_endpoints",
    ),
    Claim(
        "operator | write an entry that breaks the log | what no version wrote is the chain's fault, reported "
        "with its number",
        "tests/dr_actions/journal/test_odd_entries.py::"
        "test_whatever_a_valid_chain_holds_the_log_and_its_review_are_printed",
        "tests/dr_actions/journal/test_odd_entries.py::test_a_line_of_no_shape_that_was_ever_written_is_the_fault",
        "tests/dr_actions/journal/test_odd_entries.py::test_the_same_words_in_other_bytes_are_a_change",
    ),
    Claim(
        "operator | spoil the stop switch so that nobody can read it | it holds as a pause does, with its remedy",
        "tests/utils/test_forged.py::test_a_malformed_stop_switch_holds_all_runs_and_has_a_remedy",
        "tests/utils/test_unreadable_items.py::test_a_pause_is_written_where_nothing_can_be_read",
        "tests/dr_actions/control_table/test_own_pauses.py::"
        "test_an_item_that_cannot_be_read_holds_until_somebody_lets_go_on",
    ),
    Claim(
        "operator, driller, CI | put an item of an unknown shape in the place of the lock, the open incident, an "
        "override or a record | it holds what its kind holds, and ends no command; `status` is UNKNOWN, and "
        "`repair` sets it aside, on record",
        "tests/utils/test_unreadable_items.py::test_spoilt_items_of_every_kind_end_no_command_as_a_defect",
        "tests/utils/test_unreadable_items.py::test_an_unreadable_standing_item_is_set_aside_by_an_approver",
        "tests/utils/test_unreadable_items.py::test_an_open_incident_that_cannot_be_read_is_unknown_and_runs_nothing",
        "tests/utils/test_unreadable_items.py::test_an_unreadable_lock_is_taken_and_an_unreadable_record_is_no_stop",
        "tests/utils/test_unreadable_items.py::test_each_odd_item_ends_no_command_as_a_defect",
    ),
    Claim(
        "operator | make pauses fail by a word of the end of all time, or of beyond it | of two of the same "
        "moment the pause counts, and `unpause` names it; what is beyond is no word",
        "tests/utils/test_forged.py::test_an_endless_pause_is_released_by_no_command_and_says_so",
        "tests/dr_actions/control_table/test_own_pauses.py::"
        "test_a_word_of_beyond_all_time_is_set_aside_by_one_of_today",
        "tests/dr_actions/control_table/test_own_pauses.py::test_of_two_words_of_the_end_of_all_time_the_pause_counts",
        "tests/dr_actions/control_table/test_own_pauses.py::"
        "test_after_an_endless_pause_no_message_promises_to_outlast_it",
    ),
    Claim(
        "operator | stop `log` and `attach` by lines of the anchors, or items of the mirror, that no run wrote | "
        "they are no anchors; the chain breaks at the item, with its number; behind the end of the last run the item "
        "is named, and the record is judged",
        "tests/dr_actions/journal/test_anchors.py::test_a_line_of_the_anchors_that_no_run_wrote_is_none_of_them",
        "tests/dr_actions/journal/test_journal_mirror.py::"
        "test_an_item_that_no_run_wrote_breaks_the_chain_at_its_place_only",
        "tests/utils/test_forged_log.py::test_what_no_run_wrote_beside_a_whole_record_is_named",
        "tests/utils/test_forged_log.py::test_what_no_run_wrote_in_the_place_of_an_entry_is_no_success",
    ),
    Claim(
        "operator | take the lock of a run that is alive, by a wrong clock | the heartbeat is watched for a whole "
        "lease",
        "tests/dr_actions/control_table/test_lock.py::test_no_clock_ends_a_run_that_beats_and_none_blocks_it_for_good",
        "tests/dr_actions/control_table/test_lock.py::"
        "test_a_clock_two_hours_off_takes_dead_locks_in_time_and_no_live_one",
        "tests/dr_actions/control_table/test_lock.py::"
        "test_a_holder_that_may_beat_more_seldom_is_watched_for_its_own_lease",
    ),
    Claim(
        "operator | override a gate in somebody else's name | the caller's own ARN is recorded beside the name",
        "tests/proofs/test_sick_primary.py::test_a_primary_that_nothing_stops_is_unfenced_once_accepted_by_name",
    ),
    Claim(
        "operator | override a gate, or give exceptions, after the approval | an approval names each override "
        "word for word, and the digest of the exceptions; a run's record adds none",
        "tests/utils/test_overrides_approved.py::test_an_override_after_the_approval_runs_nothing_until_agreed",
        "tests/utils/test_overrides_approved.py::test_an_override_of_a_run_under_way_is_the_approvers_to_agree_to",
        "tests/utils/test_overrides_approved.py::"
        "test_an_override_of_the_record_alone_is_in_the_command_of_the_approver",
        "tests/utils/test_overrides_approved.py::test_an_exception_given_after_the_approval_is_the_approvers_to_see",
        "tests/dr_actions/authorization/test_overriding.py::test_a_second_person_approves_each_override_word_for_word",
    ),
    Claim(
        "operator | let an exception meet a gate unseen | it is recorded as an override is",
        "tests/utils/app/test_incident_record.py::test_an_exception_that_met_a_gate_is_recorded_as_an_override_is",
    ),
    Claim(
        "operator | have an action declare what no run was meant to do, also a call that AWS adds later | the "
        "guard lets leave what is listed in it by name, and nothing else",
        "tests/dr_actions/guard/test_guard.py::test_operations_foreign_to_a_run_are_refused_even_if_declared",
        "tests/dr_actions/guard/test_guard.py::test_what_the_guard_lets_leave_is_what_the_code_declares",
        "tests/dr_actions/guard/test_guard.py::test_what_the_current_action_did_not_declare_is_refused",
    ),
    Claim(
        "operator | change bucket policies, master passwords, backup plans, mail records, or hand the change to "
        "SSM, Lambda or CloudFormation | the guard, whatever an action declares",
        "tests/dr_actions/guard/test_guard.py::test_protected_operations_are_refused_even_if_an_action_declares_them",
        "tests/dr_actions/guard/test_guard.py::test_the_primary_file_policy_and_master_passwords_stay_as_they_are",
        "tests/dr_actions/guard/test_guard.py::test_records_that_lead_no_visitor_are_never_touched",
    ),
    Claim(
        "operator | delete what holds the primary's data, or the record | explicit denials: "
        "`ENV-dr-operator-never`, where AWS starts runs `ENV-dr-operator-start`",
        "tests/dr_actions/iam/test_policies.py::test_deletions_are_denied_in_the_primary_and_the_global_region",
        "tests/dr_actions/iam/test_policies.py::test_what_the_playbook_forbids_is_denied_everywhere",
        "tests/dr_actions/iam/test_policies.py::test_the_record_cannot_be_deleted",
        "tests/dr_actions/iam/test_automated_policies.py::test_no_persons_role_deletes_data_or_the_record",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::"
        "test_the_operator_deletes_nothing_in_the_primary_region_or_world_wide",
    ),
    Claim(
        "operator | change the estate with another program, or a changed copy of this tool | where AWS starts "
        "runs: the role may start one document, and write its own pause alone",
        "tests/proofs/test_automation.py::test_the_operators_own_keys_change_nothing_of_the_estate",
        "tests/dr_actions/iam/test_automated_policies.py::test_no_persons_role_changes_anything_of_the_estate",
        "tests/dr_actions/iam/test_automated_policies.py::"
        "test_the_operator_starts_this_document_alone_and_approves_nothing",
        "tests/dr_actions/iam/test_automated_policies.py::"
        "test_a_pause_has_the_key_of_its_author_and_approvers_set_items_aside",
    ),
    Claim(
        "operator | switch `automation.enabled` off in the environment file, and run it | the pinned rules; and "
        "the role may still write its own pause alone, whatever a file says",
        "tests/proofs/test_automation.py::test_a_file_that_disables_automation_runs_nothing_without_pins_too",
        "tests/dr_actions/iam/test_automated_policies.py::test_no_persons_role_changes_anything_of_the_estate",
        "tests/dr_actions/authorization/test_rules.py::"
        "test_one_person_of_an_edited_file_is_refused_by_the_pinned_number",
    ),
    Claim(
        "operator | change what AWS starts: the document, the task, its image's tag, the roles | no right to any "
        "of it; `recovery-automation.*` compare what is there with the environment file",
        "tests/proofs/test_automation.py::test_the_operators_own_keys_change_nothing_of_what_aws_starts",
        "tests/dr_actions/iam/test_automated_policies.py::test_nobody_of_a_recovery_makes_another_revision_of_its_task",
        "tests/dr_checks/test_examples.py::test_the_check_judges_its_examples_as_expected",
    ),
    Claim(
        "operator | start a former version of the document, which asked other approvers | the right to start it "
        "is bound to the default version (`ssm:DocumentVersion` of the document), which every start names",
        "tests/dr_actions/iam/test_automated_policies.py::"
        "test_the_operator_starts_this_document_alone_and_approves_nothing",
        "tests/proofs/test_automation.py::test_the_operators_own_keys_change_nothing_of_what_aws_starts",
    ),
    Claim(
        "operator | hold up every run by one that nobody approves | an approver ends it: `approve --withdraw`, "
        "which the refused start names",
        "tests/proofs/test_automation.py::test_a_second_automation_beside_the_first_is_refused_by_the_document",
    ),
    Claim(
        "operator | approve the own start, start a second run beside one | `ssm:SendAutomationSignal` is the "
        "approvers' alone, the document runs alone",
        "tests/proofs/test_automation.py::test_who_asked_cannot_approve_and_who_approves_cannot_ask_by_aws_alone",
        "tests/proofs/test_automation.py::test_a_second_automation_beside_the_first_is_refused_by_the_document",
        "tests/dr_actions/iam/test_automated_policies.py::"
        "test_the_operator_starts_this_document_alone_and_approves_nothing",
    ),
    Claim(
        'operator | hide what a start sets aside: a reason of forty lines that ends in "nothing is set aside" | '
        "words that do not fit a line are not approved, nor started",
        "tests/proofs/test_automation.py::test_a_start_whose_words_name_another_plan_is_not_approved",
        "tests/dr_actions/authorization/test_overriding.py::"
        "test_an_override_too_long_for_the_line_of_an_approver_is_refused",
    ),
    Claim(
        "operator | start a run with words that make no sense in a task (`--sandbox`, `--config`, another "
        "`--incident`), and have them approved | the document ends such a start before it asks anybody; `approve` "
        "refuses what this tool would not hand to a task",
        "tests/proofs/test_automation.py::test_a_start_with_words_no_task_is_given_ends_before_anybody_is_asked",
        "tests/utils/cli/test_waiting_run.py::test_words_wrong_in_a_task_are_refused_before_the_approval",
        "tests/dr_estate/model/test_recovery_document.py::"
        "test_the_document_refuses_words_no_task_is_given_before_the_approval",
    ),
    Claim(
        "operator | keep an approval from being withdrawn, by a run that AWS does not end | the table first, then AWS",
        "tests/proofs/test_automation.py::test_a_second_automation_beside_the_first_is_refused_by_the_document",
        "tests/utils/test_forged.py::test_approvals_are_withdrawn_and_waiting_runs_are_not_called_ended",
    ),
    Claim(
        "operator | any sequence of calls and commands, drawn at random | nothing of PROD moves without an "
        "approver: a search that finds a way which is left open on purpose",
        "tests/proofs/test_alone.py::test_no_sequence_of_calls_and_commands_moves_prod_without_an_approver",
        "tests/proofs/test_alone.py::test_the_search_finds_a_way_that_was_left_open_and_cuts_it_down",
    ),
    Claim(
        "operator | take the break-glass role, or run by it alone | its trust asks for an approver's tag, MFA and "
        "the own name; the tool for the plan's approval, and it notifies the critical topic",
        "tests/proofs/test_break_glass.py::test_nothing_runs_by_the_break_glass_role_without_an_approver",
        "tests/sandbox/moto_ext/iam/test_passed_roles.py::test_the_break_glass_role_needs_its_tag_mfa_and_the_own_name",
        "tests/dr_actions/iam/test_automated_policies.py::"
        "test_an_approver_tags_the_break_glass_role_and_may_not_assume_it",
    ),
    Claim(
        "operator | keep broken glass open: hand the recovery's role to a tenant's task, which outlives session "
        "and tag | nobody but the document may pass the recovery's or the break-glass role, and the document's "
        "goes to Systems Manager alone; the guard refuses it too",
        "tests/proofs/test_break_glass.py::test_nothing_runs_by_the_break_glass_role_without_an_approver",
        "tests/dr_actions/iam/test_automated_policies.py::"
        "test_nobody_passes_a_recovery_role_to_a_task_beyond_the_session",
        "tests/dr_actions/iam/test_trial_policies.py::test_it_may_not",
        "tests/dr_actions/guard/test_guard.py::test_no_role_that_may_change_the_estate_is_handed_on",
    ),
    Claim(
        "operator | hold up, or hide, every run by a start that goes step by step (`Mode=Interactive`) or for "
        "several targets, which no rejection ends | the document counts none of these, and refuses to run as one; "
        "nor does the tool await, approve or show one",
        "tests/proofs/test_started_otherwise.py::test_a_start_by_step_or_for_targets_is_no_run_and_stops_none",
        "tests/dr_estate/model/test_recovery_document.py::test_tool_and_document_count_the_same_executions",
    ),
    Claim(
        "operator | start the task without an approval, as a dry start (`Goal=look`) | the document gives it one "
        "command line, `status`, and ends one that is given words",
        "tests/dr_estate/model/test_recovery_document.py::"
        "test_the_document_gives_a_dry_start_one_command_and_refuses_its_words",
        "tests/proofs/test_automation.py::test_a_dry_start_proves_image_roles_network_and_tool_unapproved",
    ),
    Claim(
        "operator | let the task run another plan than the approved one | the task asks AWS for its own approval, "
        "and runs that digest alone",
        "tests/proofs/test_automation.py::test_the_task_runs_nothing_unapproved_or_of_another_plan",
    ),
    Claim(
        "approver | start what they approve | `ssm:StartAutomationExecution` is denied",
        "tests/proofs/test_automation.py::test_who_asked_cannot_approve_and_who_approves_cannot_ask_by_aws_alone",
        "tests/dr_actions/iam/test_automated_policies.py::test_the_approver_approves_and_starts_nothing",
    ),
    Claim(
        "operator | sign evidence | `kms:Sign` is the approver's alone",
        "tests/utils/test_evidence_pack.py::test_the_operator_may_not_sign_and_the_pack_says_so",
        "tests/dr_actions/iam/test_policies.py::test_evidence_is_signed_by_the_approver_with_its_own_key_alone",
    ),
    Claim(
        "approver | approve what they run themselves | one person is one, under whichever role or session",
        "tests/dr_actions/authorization/test_people.py::test_one_person_does_not_become_two_by_another_session_or_role",
        "tests/dr_actions/authorization/test_people.py::test_two_identities_of_one_configured_person_are_one_person",
        "tests/dr_actions/authorization/test_people.py::test_nobody_becomes_an_approver_by_being_called_like_one",
        "tests/proofs/test_automation.py::test_who_asked_cannot_approve_and_who_approves_cannot_ask_by_aws_alone",
    ),
    Claim(
        "approver | pin rules for a run of their own | a pin of the operator's own does not count",
        "tests/dr_actions/authorization/test_rules.py::"
        "test_a_pin_by_the_operator_under_whichever_name_counts_for_nothing",
        "tests/dr_actions/authorization/test_rules.py::test_the_newest_pin_of_another_person_counts",
    ),
    Claim(
        "approver | change anything of the estate | all but reading, approving, signing, pausing, opening the "
        "break-glass role and setting items of the control table aside is denied",
        "tests/dr_actions/iam/test_policies.py::test_the_approver_changes_nothing_anywhere",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::test_the_approver_and_the_reader_change_nothing",
        "tests/utils/test_not_stopped.py::test_an_approver_writes_no_journal_and_nothing_of_another_person",
        "tests/dr_actions/iam/test_automated_policies.py::test_no_persons_role_changes_anything_of_the_estate",
    ),
    Claim(
        "driller | fail PROD over or back, or restore in the database's own name, with any program | where "
        "`approvals.full_drill` is off: no right to anything of a recovery, and everything but a trial's calls "
        "denied, in the primary region every change",
        "tests/dr_actions/iam/test_trial_policies.py::"
        "test_no_request_of_a_recovery_is_allowed_but_what_a_trial_needs_too",
        "tests/dr_actions/iam/test_trial_policies.py::test_it_may_not",
        "tests/dr_actions/iam/test_trial_policies.py::test_it_may_in_the_dr_region_alone",
        "tests/dr_actions/iam/test_trial_policies.py::test_it_holds_the_calls_of_trial_actions_and_no_recovery_policy",
    ),
    Claim(
        "driller | rewrite an incident's mirror, so that who watches is shown a change by hand of the driller's "
        "own | a trial writes its own journal alone (`dynamodb:LeadingKeys`)",
        "tests/dr_actions/iam/test_trial_policies.py::test_a_trial_records_what_is_its_own_and_nothing_of_an_incident",
        "tests/utils/test_unreadable_items.py::test_a_drillers_keys_write_nothing_that_a_recovery_reads",
    ),
    Claim(
        "driller | delete another application's file system, by a drill's tag of their own making | deletion asks "
        "for a drill's tag and name, and neither goes onto what bears a tag that says whose it is (`Name`, "
        "`Application`, `Project`, ...: `WHOSE` in dr_estate/iam/scopes.py)",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::"
        "test_a_driller_takes_no_file_system_of_another_application",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::"
        "test_a_driller_never_deletes_the_estates_own_file_system",
    ),
    Claim(
        "driller | delete a network interface of another application | EFS alone deletes interfaces in the role's "
        "name (`aws:ViaAWSService`), with a drill's mount target",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::test_a_driller_deletes_no_network_interface_but_by_efs",
    ),
    Claim(
        "operator, recovery, break-glass | write in the primary region more than a fence while no failback is due "
        "| the failback policy is attached only where `attach_home` (`AttachHome`) is set",
        "tests/deploy/test_cloudformation.py::test_the_operator_gets_the_failback_policy_only_by_a_parameter",
        "tests/deploy/test_cloudformation.py::test_recovery_and_break_glass_get_the_failback_policy_by_a_parameter",
        "tests/deploy/test_terraform.py::test_the_failback_policy_is_off_by_default_and_has_a_name_of_its_own",
        "tests/dr_actions/iam/test_policies.py::test_in_the_primary_region_the_operator_fences_and_fails_back_only",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::"
        "test_the_operator_fails_back_in_the_primary_only_with_its_policy",
    ),
    Claim(
        "driller | take a recovery's lock, close or invent an incident or an override, write a recovery's history "
        "| where `approvals.full_drill` is off: trials have a lock and a partition of their own (`DRILL#*`, "
        "`*#TRIAL-*`), and of others the role writes its own pause alone (`dynamodb:LeadingKeys`)",
        "tests/utils/test_unreadable_items.py::test_a_drillers_keys_write_nothing_that_a_recovery_reads",
        "tests/dr_actions/iam/test_trial_policies.py::test_a_trial_records_what_is_its_own_and_nothing_of_an_incident",
    ),
    Claim(
        "driller | run a tenant's task with the recovery's role | passing the recovery's and the break-glass role "
        "is denied; the document's too, but where AWS holds full drills (not in PROD as shipped): it starts one "
        "task alone, with the driller's own rights",
        "tests/dr_actions/iam/test_trial_policies.py::test_it_may_not",
        "tests/utils/test_not_stopped.py::test_prod_as_shipped_starts_runs_by_aws_and_refuses_full_drills",
    ),
    Claim(
        "stranger | change, drop or add a byte of an evidence pack | `evidence verify` names it, without AWS",
        "tests/utils/test_evidence_pack.py::test_the_approver_signs_and_a_stranger_without_aws_checks_every_byte",
        "tests/utils/test_evidence_pack.py::test_a_forger_who_packs_again_what_was_signed_is_found_out",
        "tests/utils/test_evidence_pack.py::test_a_byte_of_a_small_pack_that_is_flipped_is_detected",
        "tests/utils/test_evidence_pack.py::test_a_changed_a_missing_and_an_added_file_are_named",
    ),
    Claim(
        "operator, stranger | sign a pack of their own, in the name of the control stack's key | `evidence verify "
        "--public-key FILE`: the key that the auditor kept; without it NOT VERIFIED",
        "tests/utils/test_evidence_pack.py::test_a_pack_signed_by_a_forged_key_is_no_pack_of_the_control_stack",
    ),
    Claim(
        "stranger | hold up who reads results, or take the memory: a pipe, gigabytes or endless levels in the place of "
        "a report, a journal, evidence or a key | of a file 512 MB are read, and of a folder no pipe; one sentence, "
        "exit 2",
        "tests/utils/test_given_files.py::test_a_pipe_in_the_place_of_a_report_holds_up_no_command",
        "tests/utils/test_given_files.py::test_a_report_of_gigabytes_is_refused_before_it_is_in_memory",
        "tests/utils/test_given_files.py::test_a_named_file_of_gigabytes_is_refused_before_it_is_in_memory",
        "tests/utils/test_given_files.py::test_a_public_key_of_json_without_an_end_of_levels_is_no_public_key",
    ),
    Claim(
        "stranger | stop or deceive who verifies: holes of terabytes, chains of headers, a verdict of one's own "
        "within a name | only what the tool writes is read, each in one line",
        "tests/reports/evidence/test_verification.py::test_an_archive_that_another_program_made_hostile_is_no_pack",
        "tests/reports/evidence/test_verification.py::"
        "test_any_change_of_the_bytes_of_a_pack_is_a_fault_and_never_an_error",
        "tests/reports/evidence/test_verification.py::test_a_name_that_no_pack_can_hold_is_a_fault",
        "tests/utils/test_evidence_pack.py::test_what_a_hostile_pack_says_of_itself_begins_no_line_of_its_own",
    ),
    Claim(
        "operator, stranger | put a part in beside a signed one of the same name | a name that is there twice is "
        "a fault",
        "tests/reports/evidence/test_saved.py::test_a_part_put_in_beside_the_signed_one_of_its_name_is_found",
    ),
    Claim(
        "operator, stranger | change what `--save-evidence` kept | an approver's is signed; `evidence verify` and "
        "`--from-evidence` name the changed part",
        "tests/reports/evidence/test_saved.py::test_a_change_is_named_and_new_digests_do_not_fit_the_signature",
        "tests/reports/evidence/test_saved.py::test_each_flipped_byte_is_found",
        "tests/utils/test_evidence_pack.py::test_evidence_of_an_approver_is_signed_and_one_flipped_byte_is_named",
    ),
    Claim(
        "stranger | switch off a pipeline's annotations, mask its words or fold its report away by a name or a "
        "value in AWS (`##[stop-commands]`), or run a formula in a spreadsheet | no name is a command of a "
        "runner, or a formula, in whatever format",
        "tests/reports/render/test_ci_formats.py::test_no_name_of_a_resource_ends_an_element_or_begins_a_command",
        "tests/reports/render/test_ci_formats.py::test_no_name_gives_a_runner_a_command_in_the_middle_of_a_line",
        "tests/reports/render/test_ci_formats.py::test_no_sentence_for_people_is_a_command_of_a_runner",
        "tests/reports/test_reports.py::test_csv_has_a_row_a_finding_and_no_cell_runs_as_a_formula",
        "tests/reports/test_reports.py::test_no_cell_runs_as_a_formula_where_a_spreadsheet_trims_it",
    ),
    Claim(
        "stranger | find a secret in results, evidence or screens | names that say secret, URLs and keys are not kept",
        "tests/utils/test_no_secret_told.py::test_no_canary_is_in_any_output_and_evidence_is_the_users_own",
        "tests/utils/test_no_secret_told.py::test_an_aws_error_that_repeats_a_secret_is_printed_without_it",
    ),
)
NOT_STOPPED = (
    Claim(
        "An operator with another program, where `automation.enabled` is off.",
        "tests/sandbox/test_people_permissions.py::test_everybody_looks_and_the_operator_alone_recovers_and_fences",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::"
        "test_the_operator_recovers_in_the_dr_region_and_fences_in_the_primary",
    ),
    Claim(
        "PROD ships with it on.",
        "tests/utils/test_not_stopped.py::test_prod_as_shipped_starts_runs_by_aws_and_refuses_full_drills",
    ),
    Claim(
        "Where a team leaves it off (DEV and SIT, of one person), the operator role holds the write rights of a "
        "recovery all the time, so plain calls, or a changed copy of this tool, can do what a plan does with no "
        "approval.",
        "tests/sandbox/test_people_permissions.py::test_everybody_looks_and_the_operator_alone_recovers_and_fences",
        "tests/utils/test_not_stopped.py::test_prod_as_shipped_starts_runs_by_aws_and_refuses_full_drills",
        "tests/dr_actions/iam/test_policies.py::test_the_operator_may_write_what_the_verbs_declare_in_the_dr_region",
    ),
    Claim(
        "The file alone gives nobody rights: those are the control stack's, generated from the file that was deployed.",
        "tests/proofs/test_automation.py::test_a_file_that_disables_automation_runs_nothing_without_pins_too",
        "tests/deploy/test_generated.py::test_a_generated_file_is_fresh",
    ),
    Claim(
        "A driller with another program, where full drills are allowed (`approvals.full_drill`; not PROD as shipped).",
        "tests/sandbox/test_people_permissions.py::"
        "test_a_driller_holds_a_recoverys_rights_where_full_drills_are_allowed",
        "tests/utils/test_not_stopped.py::test_prod_as_shipped_starts_runs_by_aws_and_refuses_full_drills",
    ),
    Claim(
        "`ENV-dr-drill` holds a recovery's rights there: the lock and what stands are among them, so that it can "
        "stop a recovery that is on its way.",
        "tests/sandbox/test_people_permissions.py::"
        "test_a_driller_holds_a_recoverys_rights_where_full_drills_are_allowed",
    ),
    Claim(
        "Where they are not, it can still run a tenant's task in the DR region with another command, write what "
        "bears a drill's name and the lock of practice, and pause where AWS starts runs: of these the pause alone "
        "stops a recovery, and another's `unpause` ends it.",
        "tests/utils/test_not_stopped.py::test_a_driller_changes_no_task_command_and_takes_only_the_drill_lock",
        "tests/utils/test_not_stopped.py::test_the_own_pause_of_each_of_them_stops_every_run",
        "tests/utils/test_unreadable_items.py::test_a_drillers_keys_write_nothing_that_a_recovery_reads",
        "tests/utils/test_unreadable_items.py::test_a_driller_takes_the_lock_of_trials_and_a_recovery_ends_that",
        "tests/dr_actions/control_table/test_own_pauses.py::"
        "test_it_is_written_under_the_key_of_the_caller_and_others_may_release",
    ),
    Claim(
        "A file system without a tag that says whose it is.",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::"
        "test_a_driller_opens_and_deletes_only_what_bears_the_drill_tags",
    ),
    Claim(
        "AWS Backup restores files into one that bears none, so `ENV-dr-drill` may mark as its own one of the DR "
        "region that bears no `Name` and none of the other tags of `WHOSE`, whatever else it bears, and then "
        "delete it.",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::"
        "test_a_driller_opens_and_deletes_only_what_bears_the_drill_tags",
        "tests/sandbox/moto_ext/iam/test_enforced_policies.py::"
        "test_a_driller_takes_no_file_system_of_another_application",
    ),
    Claim(
        "An approver with another program, and other teams' automations.",
        "tests/utils/test_not_stopped.py::test_an_approver_signals_another_teams_automation_and_approve_does_not",
    ),
    Claim(
        "AWS has no condition for a signal, and makes up the ids of executions: `ssm:SendAutomationSignal` reaches "
        "each one of the DR region.",
        "tests/utils/test_not_stopped.py::test_an_approver_signals_another_teams_automation_and_approve_does_not",
    ),
    Claim(
        "Of another document's an approver may end or let go on what waits, and approve where that document names "
        "them.",
        "tests/utils/test_not_stopped.py::test_an_approver_signals_another_teams_automation_and_approve_does_not",
    ),
    Claim(
        "`approve` signals executions of the recovery's document alone.",
        "tests/utils/test_not_stopped.py::test_an_approver_signals_another_teams_automation_and_approve_does_not",
    ),
    Claim(
        "An approver with another program, and what stands.",
        "tests/utils/test_not_stopped.py::test_an_approver_puts_what_stands",
        "tests/utils/test_not_stopped.py::test_what_an_approver_puts_approves_no_run_and_stops_one",
    ),
    Claim(
        "To set unreadable items aside an approver may put items of `LOCK`, `STANDING`, `HISTORY`, `DRILL#*` and "
        "`ASIDE#*`: they can stop a run by it, as by a pause, and write what counts for no approval.",
        "tests/utils/test_not_stopped.py::test_an_approver_puts_what_stands",
        "tests/utils/test_not_stopped.py::test_what_an_approver_puts_approves_no_run_and_stops_one",
        "tests/utils/test_begin.py::test_overrides_are_the_journals_and_no_item_invents_or_closes_one",
    ),
    Claim(
        "The journal, and others' approvals and pauses, they may not write.",
        "tests/utils/test_not_stopped.py::test_an_approver_writes_no_journal_and_nothing_of_another_person",
        "tests/dr_actions/iam/test_policies.py::test_approvals_are_written_by_their_author_and_records_by_the_operator",
    ),
    Claim(
        "An invented test record of today.",
        "tests/utils/test_stream_anchors.py::test_an_invented_or_changed_test_counts_for_no_schedule",
    ),
    Claim(
        "A driller's or CI's keys may add a record of the kinds of tests that they run, and `schedule` counts it.",
        "tests/utils/test_stream_anchors.py::test_an_invented_or_changed_test_counts_for_no_schedule",
    ),
    Claim(
        "Where AWS anchors the control table (`names.stream_bucket`) one that is dated otherwise than AWS saw it "
        "written, that was changed since, or of which AWS saw nothing a quarter of an hour after that, counts for "
        "nothing, and the test is UNKNOWN; elsewhere it counts too, and `schedule` says that its records are not "
        "proven.",
        "tests/utils/test_stream_anchors.py::test_an_invented_or_changed_test_counts_for_no_schedule",
        "tests/utils/test_stream_anchors.py::test_a_test_that_aws_did_not_see_written_is_unknown_to_the_schedule",
        "tests/utils/test_stream_anchors.py::test_without_anchors_the_schedule_says_that_its_records_are_not_proven",
    ),
    Claim(
        "Who pauses for ever.",
        "tests/utils/test_forged.py::test_an_endless_pause_is_released_by_no_command_and_says_so",
    ),
    Claim(
        "The pause of an operator, an approver or a driller stops every run, and one dated to the end of all time "
        "can be set aside by nobody: `unpause` reports it, exit 4, and the administrator deletes each item with "
        "such a word.",
        "tests/utils/test_not_stopped.py::test_the_own_pause_of_each_of_them_stops_every_run",
        "tests/utils/test_forged.py::test_an_endless_pause_is_released_by_no_command_and_says_so",
    ),
    Claim(
        "Break-glass.",
        "tests/utils/test_not_stopped.py::test_broken_glass_lets_its_operator_act_alone_until_the_session_ends",
    ),
    Claim(
        "While an approver's tag names an operator, that operator is an operator with another program, and for an "
        "hour after it was taken away: sessions end by themselves.",
        "tests/utils/test_not_stopped.py::test_broken_glass_lets_its_operator_act_alone_until_the_session_ends",
        "tests/deploy/test_cloudformation.py::test_only_operators_begin_a_break_glass_session_of_one_hour",
    ),
    Claim(
        "The run notifies the critical topic of who runs it.",
        "tests/proofs/test_break_glass.py::test_nothing_runs_by_the_break_glass_role_without_an_approver",
    ),
    Claim(
        "A table in which nobody ever pinned rules, and that bears no tag `dr:people`. deploy/ writes the tag, "
        "and `prerequisites.people` fails where an environment of two people has none: until then `people = 1` in "
        "an edited file is believed.",
        "tests/utils/test_forged.py::test_a_table_without_pins_and_tag_believes_a_file_for_one_person",
        "tests/deploy/test_cloudformation.py::test_the_control_table_says_how_many_people_a_plan_needs",
        "tests/dr_checks/test_examples.py::test_the_check_judges_its_examples_as_expected",
    ),
    Claim(
        "`prerequisites.rules-pinned` fails until an approver pinned the rules.",
        "tests/dr_checks/test_examples.py::test_the_check_judges_its_examples_as_expected",
    ),
    Claim(
        "A reader who knows passwords.",
        "tests/utils/test_not_stopped.py::test_who_compares_secrets_and_state_can_read_them",
    ),
    Claim(
        "What is compared must be read: `ENV-dr-reader`, `-operator`, `-approver` and `-drill` may read the "
        "values of the tenants' secrets, the master secret and Terraform's state.",
        "tests/utils/test_not_stopped.py::test_who_compares_secrets_and_state_can_read_them",
    ),
    Claim(
        "The truth of what was written.",
        "tests/utils/test_stream_anchors.py::test_what_is_on_record_is_as_it_was_written_and_when",
    ),
    Claim(
        "AWS's anchors (`names.stream_bucket`) show each item as it was written, and when; not that it is true, "
        "nor who wrote it.",
        "tests/utils/test_stream_anchors.py::test_what_is_on_record_is_as_it_was_written_and_when",
        "tests/utils/test_stream_anchors.py::test_a_record_that_aws_anchored_is_believed_and_says_by_what",
    ),
    Claim(
        "What was written before the stream was on has none, nor has what is written while the administrator "
        "disabled its mapping.",
        "tests/utils/test_stream_anchors.py::test_a_test_that_aws_did_not_see_written_is_unknown_to_the_schedule",
        "tests/utils/test_stream_anchors.py::test_a_test_put_without_aws_anchors_counts_for_a_quarter_of_an_hour",
    ),
    Claim(
        "Anchors that were never put, where AWS writes none (`names.stream_bucket`).",
        "tests/utils/test_forged_log.py::test_a_record_that_was_never_anchored_is_no_success",
    ),
    Claim(
        "An operator who leaves the tool aside puts none: `log --verify` then says NOT ANCHORED, and is no success.",
        "tests/utils/test_forged_log.py::test_a_record_that_was_never_anchored_is_no_success",
    ),
    Claim(
        "One who adds false anchors spoils the comparison (CONTESTED), and cannot make a rewritten record pass it "
        "beside the true heads.",
        "tests/utils/test_forged_log.py::test_two_heads_of_one_entry_are_contested_whichever_came_first",
    ),
    Claim(
        "A record that is invented as a whole, while nobody runs anything, with its heads put as if it ran, "
        "passes: anchors show that a record was not changed since, not that it is true.",
        "tests/utils/test_forged_log.py::test_a_record_that_is_in_file_and_mirror_alike_was_compared",
    ),
    Claim(
        "Entries that were sent late (a login that was waited for, a run that went on the next day) are NOT "
        "PROVEN, though honest.",
        "tests/utils/test_forged_log.py::test_heads_put_long_after_or_before_their_entries_prove_nothing",
    ),
    Claim(
        "A forged cache of answers.",
        "tests/utils/app/test_answer_cache.py::test_a_forged_answer_is_named_as_one_that_was_not_asked_for",
    ),
    Claim(
        "`status` of live AWS takes task definition revisions, and for a day policies of unchanged secrets, from "
        "the user's cache folder; who writes there can make a status look right (a checksum shows damage, no "
        "forgery).",
        "tests/utils/app/test_answer_cache.py::test_a_forged_answer_is_named_as_one_that_was_not_asked_for",
        "tests/utils/app/test_answer_cache.py::test_the_second_status_asks_for_no_revision_and_its_evidence_names_all",
        "tests/dr_estate/readers/test_known_policies.py::"
        "test_a_second_look_of_a_day_asks_for_no_policy_of_unchanged_secrets",
        "tests/utils/app/test_answer_cache.py::test_an_answer_of_another_revision_or_another_form_is_read_again",
    ),
    Claim(
        "The evidence names each that was not asked for, the report says how many, `status --no-cache` asks, and "
        "no command that prepares or makes a change reads the cache.",
        "tests/utils/app/test_answer_cache.py::test_the_second_status_asks_for_no_revision_and_its_evidence_names_all",
        "tests/utils/app/test_answer_cache.py::test_everything_else_reads_all_of_it",
        "tests/utils/app/test_answer_cache.py::test_a_forged_answer_is_named_as_one_that_was_not_asked_for",
    ),
    Claim(
        "What a Terraform module of `provision.folder` says.",
        "tests/dr_actions/authorization/test_rules.py::"
        "test_the_folder_of_a_terraform_module_is_a_rule_and_its_text_is_not",
    ),
    Claim(
        "Its path is part of the rules, its content is not.",
        "tests/dr_actions/authorization/test_rules.py::"
        "test_the_folder_of_a_terraform_module_is_a_rule_and_its_text_is_not",
    ),
    Claim(
        "An approver and an operator who agree.",
        "tests/proofs/test_automation.py::test_order_and_approval_outlive_the_laptop_and_another_sees_the_end",
    ),
    Claim(
        "Two people can do together what two people may.",
        "tests/proofs/test_automation.py::test_order_and_approval_outlive_the_laptop_and_another_sees_the_end",
    ),
    Claim(
        "Evidence that says UNSIGNED.",
        "tests/reports/evidence/test_saved.py::test_unsigned_evidence_that_somebody_made_again_shows_damage_alone",
        "tests/utils/test_evidence_pack.py::test_the_operator_may_not_sign_and_the_pack_says_so",
    ),
    Claim(
        "Its digests show damage, no forgery (`evidence verify` exits 3): so does that of a run's folder.",
        "tests/reports/evidence/test_saved.py::test_unsigned_evidence_that_somebody_made_again_shows_damage_alone",
        "tests/utils/test_evidence_pack.py::test_the_operator_may_not_sign_and_the_pack_says_so",
        "tests/utils/test_evidence_pack.py::test_unsigned_evidence_says_so_on_the_screen_and_in_the_file",
    ),
    Claim(
        "The public key in a pack, or in saved evidence, is the pack's own word, and so is the ARN beside it.",
        "tests/utils/test_evidence_pack.py::test_a_pack_signed_by_a_forged_key_is_no_pack_of_the_control_stack",
    ),
    Claim(
        "Without `--public-key FILE` `evidence verify` says NOT VERIFIED, exit 3, also where every byte is as it "
        "was made.",
        "tests/utils/test_evidence_pack.py::test_the_approver_signs_and_a_stranger_without_aws_checks_every_byte",
        "tests/utils/test_evidence_pack.py::test_a_pack_signed_by_a_forged_key_is_no_pack_of_the_control_stack",
    ),
)
CLAIMS = (*ACTORS, *STOPPED, *NOT_STOPPED)
# Definitions, advice, and what AWS alone can keep.
NO_CLAIMS = (
    "The rule: what the operator's own keys and disk can change proves nothing.",
    "This page says what each actor holds, what could be done with it, which control stops that, and the test "
    "that proves it.",
    "Controls are of three kinds: the tool refuses (anyone who runs another program is not stopped by it), AWS "
    "refuses (IAM, in the account) or the record shows it afterwards.",
    "Each sentence stands beside the tests that attack it in "
    "[tests/house/test_security_page.py](../tests/house/test_security_page.py), which fails where one has none.",
    "stranger | a results folder, a log, an evidence pack, saved evidence",
    "administrator | all of IAM: outside of this model, and watched by CloudTrail",
    "IAM has no other word for what a restore made.",
    "Give every file system of the DR region a `Name`, the replica that EFS made too.",
    "CloudTrail has the tag.",
    "Security groups decide who of them reaches the database.",
    "Lambda makes up for the last day once it is on again; CloudTrail shows who disabled it.",
    "Keep it where the operator cannot write.",
    "Keep what `aws kms get-public-key` prints, from the auditor's own session, and name it.",
)


def cells_of(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split(" | ")]


def sentences(page: str) -> list[str]:
    """The page's sentences, and the rows of its tables without their two last columns: kind and test."""
    found = []
    for block in re.split(r"\n(?=\s*\n|\||- |#)", page):
        text = " ".join(block.split())
        if text.startswith("|") and not re.match(r"\| actor \||\|---", text):
            found.append(" | ".join(cells_of(text)[:3]))
        elif text and not text.startswith(("|", "#")):
            found += re.split(r"(?<=\.) (?=[A-Z`*])", text.removeprefix("- ").replace("**", ""))
    return found


@cache
def names_in(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def test_each_sentence_of_the_page_is_a_claim_with_tests_or_claims_nothing() -> None:
    on_the_page, here = Counter(sentences(PAGE)), Counter([*(claim.sentence for claim in CLAIMS), *NO_CLAIMS])
    assert (on_the_page - here, here - on_the_page) == (Counter(), Counter()), "on the page alone, here alone"


def test_each_claim_has_tests_and_each_of_them_is_there() -> None:
    assert [] == [claim.sentence for claim in CLAIMS if not claim.tests]
    nodes = {node for claim in CLAIMS for node in claim.tests}
    assert [] == sorted(node for node in nodes if node.partition("::")[2] not in names_in(node.partition("::")[0]))


def test_each_row_links_to_files_of_its_own_tests() -> None:
    tests = {claim.sentence: claim.tests for claim in CLAIMS}
    rows = [row for row in PAGE.splitlines() if row.count(" | ") == 4 and not row.startswith("| actor")]
    assert len(rows) == len(STOPPED)
    for row in rows:
        cells = cells_of(row)
        files = {node.partition("::")[0] for node in tests[" | ".join(cells[:3])]}
        linked = {full or short for full, short in _LINK.findall(cells[4])}
        assert linked, row
        assert [] == [name for name in linked if not any(file.endswith(name) for file in files)], cells[:2]


def test_a_sentence_that_is_added_changed_or_split_shows() -> None:
    last = NO_CLAIMS[-1]
    for changed in (PAGE + "\n\nNobody can.\n", PAGE.replace("PROD ships with it on.", "PROD ships with it off.")):
        assert Counter(sentences(changed)) != Counter(sentences(PAGE))
    assert last in sentences(PAGE)
