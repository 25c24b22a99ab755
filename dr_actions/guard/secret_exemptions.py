"""What a failback alone may overwrite of secrets, in its one direction each, once the backups are proven. Pure.

The primary's secret gets the value that the DR region's has (its former version stays as AWSPREVIOUS); afterwards the
DR region's becomes a replica of the primary's again, which ``secrets/replicate_to_dr`` allows only where the primary's
says all that it says.
"""

from __future__ import annotations

from dr_actions.guard.context import GuardContext
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Environment, Side
from dr_estate.model.stores import DATABASE

PUT, REPLICATE = "secretsmanager:PutSecretValue", "secretsmanager:ReplicateSecretToRegions"


def exempt(call: Call, context: GuardContext) -> bool:
    """Return whether ``call`` copies a secret of the estate back, or makes the DR region's a replica of it again."""
    env = context.env
    backed_up = {proof.side for proof in context.proofs if proof.store == DATABASE.id and proof.arn}
    if context.goal is not Goal.FAILBACK or backed_up < {Side.PRIMARY, Side.DR} or call.region != env.regions.primary:
        return False
    if not _of_the_estate(call.text("SecretId"), env):
        return False
    if call.name == REPLICATE:
        return [replica_region.get("Region") for replica_region in call.params.get("AddReplicaRegions", ())] == [
            env.regions.dr
        ]
    return call.name == PUT


def _of_the_estate(name: str, env: Environment) -> bool:
    return name == env.named(env.names.master_secret) or bool(env.tenant_of(env.names.tenant_secret, name))
