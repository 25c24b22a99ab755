"""Makes replicas of the primary's secrets again of those that the failover made secrets of their own (T18).

Secrets Manager replaces the DR region's secret by the replica, its former versions with it: so only where the primary's
says all that it says. Source: API_ReplicateSecretToRegions, ForceOverwriteReplicaSecret.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.secrets import comparison as secrets_comparison
from dr_actions.actions.secrets.comparison import Pair
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds
from dr_estate.readers import secretsmanager as readers_secretsmanager

REPLICATE = "secretsmanager:ReplicateSecretToRegions"


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each secret that was a replica before the failover, as that recorded."""
    for one in secrets_comparison.pairs(sight):
        if one.here and one.there and not one.there.replica_of and secrets_comparison.was_replica(sight, one.name):
            yield _step(sight, one, one.there.key)


def _step(sight: Sight, one: Pair, key: str) -> Step:
    primary, dr = sight.env.regions.primary, sight.env.regions.dr
    return sight.step(
        __name__,
        one.name,
        side=Side.DR,
        says=f"Replicate the secret {one.name} from {primary} to {dr} again: its replica there takes the place of the "
        "secret that the failover made of it.",
        danger=Danger.COMPENSABLE,
        undo=f"Make it a secret of its own: aws secretsmanager stop-replication-to-replica --region {dr} "
        f"--secret-id {one.name}.",
        budget_s=300,
        call=Call(
            "secretsmanager",
            "ReplicateSecretToRegions",
            primary,
            {
                "SecretId": one.name,
                "AddReplicaRegions": [{"Region": dr, **({"KmsKeyId": key} if key else {})}],
                "ForceOverwriteReplicaSecret": True,
            },
        ),
        tenant=one.tenant,
        before={"replica of": "", "renamed": secrets_comparison.renamed(sight)},
        after={"replica of": primary},
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once it is a replica of the primary's current version; never READY while the primary's says less."""
    one = secrets_comparison.pair(sight, step.subject)
    if one.here is None or one.here.replica_of:
        return Confirmation(Standing.CHANGED, f"The primary region has no secret {step.subject} of its own.")
    if one.there is None:
        return Confirmation(Standing.CHANGED, f"{step.subject} is gone from the DR region.")
    facts = (("secret", one.there.arn), ("version", one.there.current_version))
    if one.there.replica_of == step.after["replica of"]:
        same = one.there.current_version == one.here.current_version
        said = "a replica again" if same else "a replica again, and not in sync yet"
        return Confirmation(Standing.DONE if same else Standing.WAITING, f"{step.subject} is {said}.", facts)
    if one.there.replica_of:
        said = f"{step.subject} is a replica of {one.there.replica_of}'s now."
        return Confirmation(Standing.CHANGED, said, facts)
    differing = secrets_comparison.apart(one, step.before["renamed"])
    if differing or not secrets_comparison.comparable(one):
        said = f"by {', '.join(differing)}" if differing else "in what could not be read"
        return Confirmation(Standing.CHANGED, f"{step.subject} differs {said}: it would be lost.", facts)
    return Confirmation(Standing.READY, f"{step.subject} is a secret of its own in the DR region.", facts)


def notes(sight: Sight) -> Iterator[str]:
    """Secrets of the DR region's own that no failover recorded: whether they were replicas is not known."""
    primary, dr = sight.env.regions.primary, sight.env.regions.dr
    for one in secrets_comparison.pairs(sight):
        alone = one.here and one.there and not one.there.replica_of and sight.env.replicates
        if alone and not secrets_comparison.was_replica(sight, one.name):
            yield (
                f"{one.name} in {dr} is no replica, and no failover recorded that it was one. If it is to be: aws "
                f"secretsmanager replicate-secret-to-regions --region {primary} --secret-id {one.name} "
                f"--add-replica-regions Region={dr} --force-overwrite-replica-secret."
            )


VERB = action(
    globals(),
    {REPLICATE},
    (readers_secretsmanager.secrets, readers_secretsmanager.contents, rds.instances),
    essential=False,
)
