"""The one job that a failback may let S3 do, and the one word that it may say to it: nothing else of S3 Batch. Pure.

The job replicates a bucket of tenants' data in the DR region as that bucket's own rules say, with the one role that the
environment file names; it is compared field by field. From which moment on it takes versions is free: fewer do no harm.
Only a job that was seen under the description of the environment's failbacks is cancelled: an account has others.
"""

from __future__ import annotations

from dr_actions.guard.context import GuardContext
from dr_actions.model.plan import Call
from dr_estate.config.environment import Side
from dr_estate.model.replication_job import OWN, created_after, request_of
from dr_estate.readers import s3

CREATE, END = "s3control:CreateJob", "s3control:UpdateJobStatus"
ENDED = "Cancelled"


def exempt(call: Call, context: GuardContext) -> bool:
    """Whether ``call`` starts such a job in the DR region, or cancels one there."""
    env = context.env
    if not env.failback.objects_batch_role or call.region != env.region(Side.DR):
        return False
    if call.name == END:
        is_own = call.params.get("AccountId") == env.account and call.params.get("JobId") in context.own_jobs
        return is_own and call.params.get("RequestedJobStatus") == ENDED
    request = {name: value for name, value in call.params.items() if name not in OWN}
    since = created_after(request)
    return call.name == CREATE and request in [request_of(env, copy, since) for _, copy in s3.data_pairs(env)]
