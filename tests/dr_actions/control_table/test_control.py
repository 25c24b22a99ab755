"""The stop switch, the incident, overrides and approvals, really kept in a table of the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from dr_actions.authorization.approvals import ApprovalStore, StartApproval
from dr_actions.authorization.clearance import Approval
from dr_actions.authorization.rules import EffectiveRules, PinnedRules
from dr_actions.clients.mutating_client import GuardRefused, MutatingClient
from dr_actions.control_table.control import ControlStore, Fence, Fenced, IncidentOpen, MalformedItem
from dr_actions.control_table.lock import Owner, renew, take
from dr_actions.control_table.set_aside import set_aside, unreadable_items
from dr_actions.control_table.table import CONTROL_CALLS, ConditionFailed, Put, SentTable, Update, WriteCondition
from dr_actions.journal.entries import EntryKind
from dr_actions.journal.pauses import record_pauses
from dr_actions.model.gates import Override
from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate.aws.read_client import Credentials
from dr_estate.model.control_items import INCIDENT, STANDING
from dr_estate.readers.control_table import ControlState, RecordedOverride
from reports.values.report import control_sentences
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.control_tables import SIT, Clock, Plain, alone, store
from tests.dr_checks.derived.test_database_identity import record
from utils.aws_mgmt.app.authorization import pause_reason

ALICE = Owner("Alice", "arn:aws:iam::815856636111:user/alice")


def test_nothing_stands_in_a_new_table(control: ControlStore) -> None:
    assert ControlState() == control.in_force()


def test_the_stop_switch_is_on_until_somebody_takes_it_back(control: ControlStore) -> None:
    control.pause("Alice", "the network team works on the link")
    stands = control.in_force().pause
    assert stands is not None
    assert ("Alice", "the network team works on the link") == (stands.who, stands.why)
    control.unpause("Bob")
    assert control.in_force().pause is None


def test_who_turns_the_switch_on_a_second_time_is_shown_who_did_first(control: ControlStore) -> None:
    control.pause("Alice", "because")
    assert "Alice" == control.pause("Bob", "another reason").who
    control.unpause("Alice")
    assert "Bob" == control.pause("Bob", "another reason").who, "once off, it can be turned on again"


def test_who_ends_a_pause_a_second_time_does_not_move_its_end(control: ControlStore, clock: Clock) -> None:
    control.pause("Alice", "because")
    clock.move(minutes=1)
    control.unpause("Bob")
    ended = control.table.get((STANDING, "PAUSE"))
    clock.move(minutes=5)
    with pytest.raises(ConditionFailed):
        control.unpause("Carol")
    assert ended == control.table.get((STANDING, "PAUSE"))
    assert ["Alice", "Bob"] == [item["by"] for item in control.table.query("HISTORY")]


@pytest.mark.parametrize("odd", [7, None, "never", ["x"]])
def test_a_pause_whose_end_cannot_be_read_is_ended(control: ControlStore, odd: object) -> None:
    control.table.put(Put({"pk": STANDING, "sk": "PAUSE", "who": "Mallory", "closed_at": odd}))
    control.unpause("Bob")
    assert control.in_force().pause is None


def test_why_a_task_refused_its_run_stands_until_the_next_lock_or_a_day(control: ControlStore, clock: Clock) -> None:
    control.record_refusal("INC-9", "execution-1", "lock.cool-down: wait until 03:30 UTC.", "Alice")
    refused = "REFUSED: the run for INC-9 that AWS started began nothing (2026-01-07 03:00 UTC): lock.cool-down: wait"
    assert [refused] == [line.partition(" until")[0] for line in control_sentences(control.in_force(), clock())]
    assert [] == list(control_sentences(control.in_force(), clock() + timedelta(days=1)))
    clock.move(seconds=1)
    take(control, ALICE, "run-1", "INC-9", SIT.execution)
    assert [] == list(control_sentences(control.in_force(), clock()))
    assert "execution-1" in str(control.table.query("HISTORY")), "it stays on record"


def test_one_incident_is_open_at_a_time(control: ControlStore, clock: Clock) -> None:
    opened = control.open_incident("INC-1", "failover", clock(), "Alice")
    control.enter_phase("INC-1", "restoring", "Alice")
    assert (opened.phase, opened.staged) == ("open", True)
    again = control.open_incident("INC-1", "failover", clock() + timedelta(hours=1), "Bob")
    assert ("restoring", opened.since) == (again.phase, again.since), "what is open stays as it is"
    control.enter_phase("INC-1", "failing back", "Alice", staged=False)
    assert again.staged
    reopened = control.open_incident("INC-1", "failover", clock(), "Bob")
    assert ("failing back", False) == (reopened.phase, reopened.staged)
    with pytest.raises(IncidentOpen, match="INC-1 is open since 2026-01-07 03:00 UTC"):
        control.open_incident("INC-2", "failover", clock(), "Bob")
    with pytest.raises(ConditionFailed):
        control.close_incident("INC-2", "Bob")
    control.close_incident("INC-1", "Bob")
    ended = control.table.get((STANDING, INCIDENT))
    with pytest.raises(ConditionFailed):
        control.close_incident("INC-1", "Alice")
    assert ended == control.table.get((STANDING, INCIDENT))
    assert "INC-2" == control.open_incident("INC-2", "failover", clock(), "Bob").id


def test_an_incident_says_since_when_no_standby_exists_until_one_does(control: ControlStore, clock: Clock) -> None:
    control.open_incident("INC-1", "failover", clock(), "Alice")
    control.set_unprotected_time("INC-1", clock(), "Alice")
    stands = control.in_force().known_incident
    assert stands is not None
    assert clock() == stands.unprotected_since
    control.set_unprotected_time("INC-1", None, "Alice")
    stands = control.in_force().known_incident
    assert stands is not None
    assert stands.unprotected_since is None


def test_an_override_is_on_record_and_its_item_alone_sets_nothing_aside(control: ControlStore, clock: Clock) -> None:
    until = clock() + timedelta(hours=1)
    control.override(RecordedOverride("rpo.database", "Alice", "two minutes are known", until, "INC-1", "abc"))
    clock.move(hours=0.5)
    control.override(RecordedOverride("rpo.database", "Bob", "noise", until, "INC-1", "abc"))
    assert control.in_force() == ControlState()
    changes = [item["by"] for item in control.table.query("HISTORY") if item["sk"].endswith("#OVERRIDE#rpo.database")]
    assert ["Alice", "Bob"] == changes


def test_every_change_of_what_stands_is_kept_in_the_history(control: ControlStore, clock: Clock) -> None:
    control.pause("Alice", "because")
    clock.move(seconds=1)
    control.unpause("Bob")
    assert [("Alice", "because"), ("Bob", None)] == [
        (row["by"], row["values"].get("why")) for row in control.table.query("HISTORY")
    ]


def test_a_run_that_lost_the_lock_changes_nothing_that_stands(control: ControlStore, clock: Clock) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", SIT.execution)
    control.open_incident("INC-1", "failover", clock(), "Alice", fence=lock.fence)
    with pytest.raises(Fenced, match="run-1"):
        control.enter_phase("INC-1", "restoring", "Alice", fence=Fence("run-1", lock.token - 1))
    with pytest.raises(ConditionFailed):
        control.enter_phase("INC-9", "restoring", "Alice", fence=lock.fence)
    stands = control.in_force().known_incident
    assert stands is not None
    assert "open" == stands.phase


def _approval(clock: Clock, userid: str = "AIDABOB", digest: str = "abc") -> Approval:
    arn = f"arn:aws:iam::815856636111:user/{userid}"
    return Approval("INC-1", digest, "sit", arn, userid, clock(), clock() + timedelta(hours=1))


def test_approvals_of_an_incident_are_found_of_any_author_until_withdrawn(control: ControlStore, clock: Clock) -> None:
    approvals = ApprovalStore(control.table, clock)
    assert () == approvals.of("INC-1")
    for userid in ("AROAX:carol@example.org", "AIDABOB"):
        approvals.approve(_approval(clock, userid), userid)
    assert [_approval(clock), _approval(clock, "AROAX:carol@example.org")] == list(approvals.of("INC-1"))
    approvals.withdraw("AIDABOB", "INC-1")
    assert ["AROAX:carol@example.org"] == [approval.userid for approval in approvals.of("INC-1")]
    approvals.approve(_approval(clock, digest="new"), "Bob")
    assert "new" == approvals.of("INC-1")[0].digest, "a withdrawn approval can be given again, for another plan"
    assert () == approvals.of("INC-2")


def test_an_approval_of_what_is_left_does_not_take_the_first_one_away(control: ControlStore, clock: Clock) -> None:
    approvals = ApprovalStore(control.table, clock)
    for digest in ("first", "left", "left"):
        approvals.approve(_approval(clock, digest=digest), "Bob")
    assert ["left", "left", "first"] == [approval.digest for approval in approvals.of("INC-1")]
    approvals.withdraw("AIDABOB", "INC-1")
    assert () == approvals.of("INC-1")
    approvals.approve(_approval(clock, digest="anew"), "Bob")
    assert ["anew"] == [approval.digest for approval in approvals.of("INC-1")], "what was withdrawn does not come back"
    with pytest.raises(ConditionFailed):
        approvals.withdraw("AIDANOBODY", "INC-1")


def test_the_start_is_kept_with_its_approval_through_others_and_withdrawal(control: ControlStore, clock: Clock) -> None:
    approvals = ApprovalStore(control.table, clock)
    override = Override("fence.primary", "Jane", "silent", clock() + timedelta(hours=2))
    accepted = {"check": "a.b", "subject": "*", "who": "Jo", "why": "DR-1", "until": "2027-01-01"}
    start = StartApproval("exec-1", "abc", "AIDABOB", clock(), (override,), (accepted,))
    with pytest.raises(ConditionFailed):
        approvals.let_start("INC-1", start)
    approvals.approve(replace(_approval(clock), points=("Answer: RISKY",)), "Bob")
    approvals.let_start("INC-1", start)
    approvals.approve(_approval(clock, digest="left"), "Bob")
    assert ["", "Answer: RISKY"] == ["".join(approval.points) for approval in approvals.of("INC-1")]
    approvals.withdraw("AIDABOB", "INC-1")
    assert (start,) == approvals.starts("INC-1")
    clock.passed_s += 60
    approvals.approve(replace(_approval(clock), overrides=(override,)), "Bob")
    approvals.approve(_approval(clock, digest="left"), "Bob")
    assert [(), (override,)] == [approval.overrides for approval in approvals.of("INC-1")], "the start is of before"
    approvals.let_start("INC-1", replace(start, digest="left", at=clock(), overrides=(replace(override, why="now"),)))
    assert ["now", "silent"] == [found.why for approval in approvals.of("INC-1") for found in approval.overrides]
    approvals.withdraw("AIDABOB", "INC-1")
    item = control.table.get(("APPROVAL#AIDABOB", "INC-1"))
    assert item is not None
    for odd in (7, {}, {**item["starts"][0], "overrides": 7}, {**item["starts"][0], "exceptions": [{}]}):
        control.table.put(Put({**item, "starts": [odd]}))
        assert () == approvals.starts("INC-1")


def test_the_user_id_of_an_approval_is_that_of_its_key_or_counts_nothing(control: ControlStore, clock: Clock) -> None:
    approvals = ApprovalStore(control.table, clock)
    approvals.approve(_approval(clock), "Bob")
    item = control.table.get(("APPROVAL#AIDABOB", "INC-1"))
    assert item is not None
    control.table.put(Put({**item, "userid": "AIDASOMEBODYELSE"}))
    assert "AIDABOB" == approvals.of("INC-1")[0].userid
    for wrong in ({"expires_at": "tomorrow"}, {"arn": 7}):
        control.table.put(Put({**item, **wrong}))
        assert () == approvals.of("INC-1")


def test_a_value_comes_back_as_it_was_written(control: ControlStore) -> None:
    values = {"n": 7, "f": -1.5, "yes": True, "none": None, "empty": "", "list": ["a", {"b": [1]}], "text": "é<>"}
    control.table.put(Put({"pk": "X", "sk": "1", **values}))
    assert {"pk": "X", "sk": "1", **values} == control.table.get(("X", "1"))


def test_a_partition_is_read_through_all_its_pages(control: ControlStore, sender: Plain) -> None:
    long = "x" * 300_000
    for number in range(5):
        control.table.put(Put({"pk": "X", "sk": str(number), "text": long}))
    before = sender.sent["dynamodb:Query"]
    assert list("01234") == [item["sk"] for item in control.table.query("X")]
    assert sender.sent["dynamodb:Query"] > before + 1, "more than a page of 1 MB"


class _Failing:
    """Fails so often before (or after) AWS has done the call, then lets it through."""

    def __init__(self, sender: Plain, error: Exception, times: int, done: bool = False) -> None:
        self.sender, self.error, self.left, self.done = sender, error, times, done

    def send(self, call: Call) -> dict[str, object]:
        if self.left:
            self.left -= 1
            if self.done:
                self.sender.send(call)
            raise self.error
        return self.sender.send(call)


def _cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    values = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": reasons}
    return ClientError(values, "TransactWriteItems")


@pytest.mark.parametrize(
    "error",
    [
        _cancelled("None", "TransactionConflict"),
        ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "TransactWriteItems"),
        SendFailed(FailureKind.THROTTLED, "slowly", "ThrottlingException"),
    ],
)
def test_what_passes_by_itself_is_sent_again(sender: Plain, table_name: str, clock: Clock, error: Exception) -> None:
    control = store(_Failing(sender, error, 2), table_name, clock)
    control.pause("Alice", "because")
    assert control.in_force().pause


def test_a_write_whose_answer_was_lost_is_written_and_answered_once(
    sender: Plain, table_name: str, clock: Clock
) -> None:
    lost = SendFailed(FailureKind.UNCERTAIN, "no answer")
    control = store(_Failing(sender, lost, 1, done=True), table_name, clock)
    assert "Alice" == control.pause("Alice", "because").who
    assert 1 == len(control.table.query("HISTORY"))


def test_an_incident_whose_end_was_written_and_its_answer_lost_is_closed(
    sender: Plain, table_name: str, clock: Clock
) -> None:
    """Sent again it is the same transaction: AWS answers as if it was done now, and no condition is asked again."""
    lost = SendFailed(FailureKind.UNCERTAIN, "no answer")
    store(sender, table_name, clock).open_incident("INC-1", "failover", clock(), "Alice")
    control = store(_Failing(sender, lost, 1, done=True), table_name, clock)
    clock.move(minutes=1)
    control.close_incident("INC-1", "Alice")
    assert control.in_force().incident is None
    assert 2 == len(control.table.query("HISTORY"))
    with pytest.raises(ConditionFailed):
        control.close_incident("INC-1", "Alice")


@pytest.mark.parametrize(
    "error", [SendFailed(FailureKind.DENIED, "denied"), _cancelled("ValidationError"), GuardRefused("no")]
)
def test_what_does_not_pass_is_not_sent_again(sender: Plain, table_name: str, clock: Clock, error: Exception) -> None:
    failing = _Failing(sender, error, 9)
    with pytest.raises(type(error)):
        store(failing, table_name, clock).pause("Alice", "because")
    assert 8 == failing.left


def test_a_control_table_that_somebody_deleted_is_named(sender: Plain, table_name: str, clock: Clock) -> None:
    gone = SendFailed(FailureKind.REFUSED, "Requested resource not found", "ResourceNotFoundException")
    with pytest.raises(SendFailed, match=f"There is no control table {table_name} in eu-west-1") as refused:
        store(_Failing(sender, gone, 9), table_name, clock).in_force()
    assert "deploy/README.md" in str(refused.value)
    assert "ResourceNotFoundException" == refused.value.code


def test_it_gives_up_in_the_end(sender: Plain, table_name: str, clock: Clock) -> None:
    throttled = _Failing(sender, SendFailed(FailureKind.THROTTLED, "slowly"), 99)
    with pytest.raises(SendFailed, match="slowly"):
        store(throttled, table_name, clock).in_force()


def test_the_real_client_fails_conditions_alike_and_sends_declared_calls(
    table_world: Endpoint, table_name: str
) -> None:
    keys = table_world.people["operator"]
    reached = Credentials(table_world.url, keys.access_key_id, keys.secret_access_key)
    client: MutatingClient[frozenset[str]] = MutatingClient(
        SIT, reached, CONTROL_CALLS, lambda call, permitted: None if call.name in permitted else "undeclared"
    )
    table = SentTable(client, table_name, SIT.regions.dr)
    never = WriteCondition("attribute_exists(#pk)")
    with client.permitting(CONTROL_CALLS):
        with pytest.raises(ConditionFailed):
            table.put(Put({"pk": "X", "sk": "1"}, never))
        with pytest.raises(ConditionFailed):
            table.update(Update(("X", "1"), {"a": 1}, never))
        with pytest.raises(ConditionFailed):
            table.transact([Put({"pk": "Y", "sk": "1"}), Update(("X", "1"), {"a": 1}, never)])
        assert table.get(("Y", "1")) is None, "all or nothing"
    with pytest.raises(GuardRefused):
        table.get(("X", "1"))


def test_the_store_declares_what_it_sends_and_deletes_nothing(
    control: ControlStore, clock: Clock, sender: Plain
) -> None:
    control.pause("Alice", "because")
    control.unpause("Alice")
    lock = take(control, ALICE, "run-1", "INC-1", SIT.execution)
    control.open_incident("INC-1", "failover", clock(), "Alice", fence=lock.fence)
    assert set(sender.sent) <= CONTROL_CALLS
    assert not [name for name in CONTROL_CALLS if "Delete" in name]


def test_the_database_is_remembered_as_it_was_last_seen(control: ControlStore) -> None:
    control.remember(record(instance_class="db.t3.small"))
    control.remember(record())
    assert control.in_force().database == record()


def test_a_table_that_is_unwell_for_some_seconds_is_asked_until_it_is_well() -> None:
    pauses: list[float] = []

    class UnwellSender:
        def send(self, _: Call) -> dict[str, object]:
            if sum(pauses) < 8:
                raise SendFailed(FailureKind.UNCERTAIN, "dynamodb answers with 503.")
            return {}

    assert SentTable(UnwellSender(), "control", SIT.regions.dr, sleep=pauses.append).get(("LOCK", "RUN")) is None
    assert max(pauses) == 3


def test_the_last_pinned_rules_of_each_are_read_and_others_have_no_digest(control: ControlStore, clock: Clock) -> None:
    approvals, rules = ApprovalStore(control.table, clock), EffectiveRules.of(SIT, (), "1.0")
    pinned = approvals.pin(rules, "AIDABOB", "arn:aws:iam::1:user/bob", "bob")
    assert pinned == PinnedRules(
        "AIDABOB", "arn:aws:iam::1:user/bob", "bob", clock(), rules.digest, rules.environment, rules.exceptions
    )
    assert approvals.pins() == (pinned,)
    clock.move(minutes=1)
    again = approvals.pin(rules, "AIDABOB", "arn:aws:iam::1:user/bob", "bob")
    assert approvals.pins() == (again,)
    control.table.put(Put({"pk": "APPROVAL#AIDAEVE", "sk": "#RULES", "digest": rules.digest, "rules": "none"}))
    assert approvals.pins()[1] == PinnedRules("AIDAEVE", "", "", datetime.max.replace(tzinfo=UTC), "", {}, ())


def test_a_run_under_way_is_stopped_by_no_item_but_an_unreadable_switch(control: ControlStore, clock: Clock) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", SIT.execution)
    control.open_incident("INC-1", "failover", clock(), "Alice", fence=lock.fence)
    for sk in ("INCIDENT", "OVERRIDE#x", "DATABASE", "NEWS"):
        control.table.put(Put({"pk": "STANDING", "sk": sk, "closed_at": 10**31}))
    assert pause_reason(control) == ""
    assert len(control.in_force().unreadable) == 4
    with pytest.raises(MalformedItem, match="an incident counts as open"):
        control.open_incident("INC-1", "failover", clock(), "Alice", fence=lock.fence)
    control.table.put(Put({"pk": "STANDING", "sk": "PAUSE", "closed_at": ""}))
    assert "all runs count as paused" in pause_reason(control)


def test_a_run_whose_lock_cannot_be_read_names_what_sets_it_aside(control: ControlStore) -> None:
    lock = take(control, ALICE, "run-1", "INC-1", SIT.execution)
    control.table.put(Put({"pk": "LOCK", "sk": "RUN", "token": "7"}))
    with pytest.raises(Fenced, match=r"run-1 cannot prove that it holds the lock.*dr_cli.py repair"):
        renew(control, lock, SIT.execution)
    with pytest.raises(MalformedItem, match="a run counts as at work"):
        take(control, ALICE, "run-2", "INC-1", SIT.execution)
    (found,) = unreadable_items(control)
    set_aside(control, found, ALICE, "our own script")
    assert take(control, ALICE, "run-2", "INC-1", SIT.execution).token > lock.token


def test_who_set_what_aside_is_copied_into_the_incidents_journal_once(
    control: ControlStore, clock: Clock, tmp_path: Path
) -> None:
    clock.move(seconds=1)
    control.table.put(Put({"pk": "STANDING", "sk": "OVERRIDE#x", "gate": 7}))
    with alone(tmp_path, clock) as journal:
        journal.append(EntryKind.NOTE, says="it begins")
        clock.move(seconds=1)
        (found,) = unreadable_items(control)
        set_aside(control, found, ALICE, "our own script")
        record_pauses(journal, control)
        record_pauses(journal, control)
        noted = [entry.data["says"] for entry in journal.entries if entry.data.get("moment")]
    assert noted == ["Alice set the item STANDING / OVERRIDE#x aside: our own script"]
