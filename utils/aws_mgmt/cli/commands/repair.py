"""repair: list what of the control table cannot be read, or set one item of it aside, with a reason, on record."""

from __future__ import annotations

from dr_actions.authorization.people import person_of
from dr_actions.control_table.lock import Owner
from dr_actions.control_table.set_aside import NothingToRepair, SetAside, set_aside, unreadable_items
from dr_actions.control_table.table import ConditionFailed
from dr_actions.model.plan import FailureKind, SendFailed
from dr_estate.config.environment import Environment
from dr_estate.model.control_items import UnreadableItem
from reports.terminal import console
from utils.aws_mgmt.app import next_steps
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import record_pause
from utils.aws_mgmt.app.options import RepairOptions
from utils.aws_mgmt.cli.terminal import open_connection


def repair_command(options: RepairOptions, environment: Environment) -> Exit:
    """Set one item aside, or list all that cannot be read. Raises UsageError, and Refused where the keys may not."""
    if options.item and not options.reason.strip():
        raise UsageError("--reason: say why the item may be set aside.")
    with open_connection(options, environment) as reached:
        items = unreadable_items(reached.control)
        if not options.item:
            return _list(options, items)
        done = _set_aside(options, environment, reached, _item_of(options, items))
        try:
            record_pause(options, environment, reached, console.complain)
        except Exception as unrecorded:  # noqa: BLE001 - it is set aside, and the table's history has by whom and why
            console.complain(f"The incident's log does not have it yet, the next run adds it: {unrecorded}")
    console.result(
        f"{person_of(reached.caller.arn, environment)} set the item {done.item.name} of the control table of "
        f"{environment.name} aside: {options.reason}.\nIt is kept as {' / '.join(done.copy)}, and no more is done with "
        "it. An incident that it held open is opened again by the next run with its --incident.\n"
    )
    console.conclude(options.format, f"{done.item.kind} holds nothing any more", next_steps.READINESS)
    return Exit.READY


def _list(options: RepairOptions, items: tuple[UnreadableItem, ...]) -> Exit:
    """Show each item and its id; exit 1 where there is one."""
    for item in items:
        console.result(f"  {item.id}  {item.kind}: {console.complete_commands(item.says)}\n")
    counted = "1 item" if len(items) == 1 else f"{len(items)} items"
    code = Exit.NOT_READY if items else Exit.READY
    console.conclude(options.format, f"{counted} of the control table cannot be read, exit {code}", _after(items))
    return code


def _after(items: tuple[UnreadableItem, ...]) -> str:
    return items[0].remedy if items else next_steps.READINESS


def _item_of(options: RepairOptions, items: tuple[UnreadableItem, ...]) -> UnreadableItem:
    """The item of the id. Raises UsageError where there is none, or it can be read."""
    for item in items:
        if item.id == options.item:
            return item
    raise UsageError(
        f"No item {options.item} of the control table is unreadable: `dr_cli.py repair` lists those that are."
    )


def _set_aside(options: RepairOptions, environment: Environment, reached: AppContext, item: UnreadableItem) -> SetAside:
    """Set it aside as the caller. Raises Refused."""
    owner = Owner(person_of(reached.caller.arn, environment), reached.caller.arn)
    try:
        return set_aside(reached.control, item, owner, options.reason)
    except NothingToRepair as read:
        raise Refused(f"control.item: {read}") from read
    except ConditionFailed as raced:
        raise Refused(f"control.item: {raced} Look again: `dr_cli.py repair`. Nothing was written.") from raced
    except SendFailed as refused:
        if refused.trouble is not FailureKind.DENIED:
            raise
        raise Refused(
            f"authority.repair: AWS lets {owner.person} ({owner.arn}) not set it aside. An approver of "
            f"{environment.name} runs the same command, or who holds the recovery's role. Nothing was written."
        ) from refused
