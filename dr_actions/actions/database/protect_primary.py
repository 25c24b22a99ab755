"""Makes sure that the database at home is protected as the old one was: backups, deletion protection, a standby.

The replica was asked for with all of that, and RDS may give it later, or not. A failure leaves the tenants served.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback as home
from dr_actions.actions.database.promote_primary import retention
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Call, Danger, Params, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds

MODIFY = "rds:ModifyDBInstance"


def foresee(sight: Sight) -> Iterator[Step]:
    """The one step: what it finds as wanted it leaves alone."""
    source, like = home.writer(sight), home.model(sight)
    if source is None:
        return
    name, region = home.own_name(sight), sight.env.regions.primary
    after: Params = {"BackupRetentionPeriod": retention(sight), "DeletionProtection": True}
    if (like or source).multi_az:
        after = {**after, "MultiAZ": True}
    yield sight.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Make sure that {name} in {region} is protected as the database of before was: backups, deletion "
        "protection, standby.",
        danger=Danger.REVERSIBLE,
        undo="Left on: protection harms nobody. Take it off with aws rds modify-db-instance.",
        budget_s=1800,
        call=Call("rds", "ModifyDBInstance", region, {"DBInstanceIdentifier": name, "ApplyImmediately": True, **after}),
        before={"resource": source.resource_id},
        after=after,
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once all of it is set; while the instance is being changed or still boots, it is waited for."""
    instance = home.named(sight, Side.PRIMARY, step.subject)
    if instance is None or instance.source or dict(instance.tags).get(home.COME_FROM) != step.before["resource"]:
        return Confirmation(Standing.CHANGED, f"{step.subject} is not the promoted copy that came home.")
    seen = {"DeletionProtection": instance.deletion_protection, "MultiAZ": instance.multi_az}
    open_ = [key for key, has in seen.items() if step.after.get(key) and not has]
    if instance.retention_days < step.after["BackupRetentionPeriod"]:
        open_.append("BackupRetentionPeriod")
    if not open_:
        return Confirmation(
            Standing.DONE, f"{instance.identifier} is protected and backed up.", home.facts_of(instance)
        )
    message = f"{instance.identifier} is {instance.status} and lacks {', '.join(sorted(open_))}"
    return Confirmation(Standing.READY if DATABASE[instance.status].changeable else Standing.WAITING, f"{message}.")


VERB = action(globals(), {MODIFY}, (rds.instances,), essential=False)
