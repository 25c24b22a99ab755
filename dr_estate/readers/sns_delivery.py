"""What the DR region's topics need to be heard: their policies and keys, the queues and functions subscribed."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import sns_topics
from dr_estate.reading.reader import ReadContext, part

FUNCTION_READS = frozenset({"lambda:GetFunctionConfiguration", "lambda:GetFunctionConcurrency", "lambda:GetPolicy"})
KEY_READS = frozenset({"kms:DescribeKey", "kms:GetKeyPolicy"})
_REGION, _ACCOUNT, _NAME = 3, 4, 5
_FUNCTION_PARTS, _NO_FUNCTION = 7, ("ResourceNotFoundException",)


@dataclass(frozen=True, slots=True)
class SubscribedQueue:
    """A queue that hears a topic, by its ARN. ``policy`` is its own, ``key`` as it names it; "" where it has none."""

    arn: str
    exists: bool
    policy: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class SubscribedFunction:
    """A function that hears a topic, by its ARN. ``state`` is Lambda's word, "absent" where it is gone.

    ``runs``: whether it may run at all, which reserved concurrency of 0 forbids; ``policy`` is its own, "" for none.
    """

    arn: str
    state: str
    runs: bool = True
    policy: str = ""


@dataclass(frozen=True, slots=True)
class NotificationKey:
    """A key that a topic or a queue is encrypted under, as that names it.

    ``state`` is KMS's word, "absent" where it is gone.
    """

    ref: str
    state: str
    policy: str = ""
    arn: str = ""


@part(Side.DR, reads=frozenset({"sqs:GetQueueUrl", "sqs:GetQueueAttributes"}))
def queues(context: ReadContext) -> tuple[SubscribedQueue | Unavailable, ...]:
    """The queues of this region and account that are subscribed to its topics: two calls each, for a handful."""
    return tuple(context.maybe(lambda arn: _queue(context, arn), _subscribed_arns(context, "sqs")))


@part(Side.DR, reads=FUNCTION_READS)
def functions(context: ReadContext) -> tuple[SubscribedFunction | Unavailable, ...]:
    """The functions of this region and account that are subscribed to its topics: three calls each, for a handful."""
    return tuple(context.maybe(lambda arn: _function(context, arn), _subscribed_arns(context, "lambda")))


def _subscribed_arns(context: ReadContext, protocol: str) -> list[str]:
    """The ARNs of this region and account that are subscribed by this protocol."""
    listeners = context.part(sns_topics.listeners)
    arns = {listener.endpoint for listener in listeners if listener.who == protocol and listener.endpoint}
    own = (context.region, context.env.account)
    return sorted(arn for arn in arns if tuple(arn.split(":")[_REGION : _ACCOUNT + 1]) == own)


def _function(context: ReadContext, arn: str) -> SubscribedFunction:
    """Read a function; concurrency is reserved for all its versions, the policy is the named one's own."""
    found = context.find("lambda", "get_function_configuration", _NO_FUNCTION, FunctionName=arn)
    if found is None:
        return SubscribedFunction(arn, "absent")
    # Concurrency is reserved for the whole function: its ARN without a version or alias.
    name = ":".join(arn.split(":")[:_FUNCTION_PARTS])
    reserved = context.call("lambda", "get_function_concurrency", FunctionName=name)
    policy = context.find("lambda", "get_policy", _NO_FUNCTION, FunctionName=arn)
    # 0 means "never" and None "no limit of its own" (Lambda API, GetFunctionConcurrency).
    runs = reserved.get("ReservedConcurrentExecutions") != 0
    return SubscribedFunction(arn, found.get("State") or "Active", runs, str((policy or {}).get("Policy") or ""))


def _queue(context: ReadContext, arn: str) -> SubscribedQueue:
    absent = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
    found = context.find("sqs", "get_queue_url", absent, QueueName=arn.split(":")[_NAME])
    if found is None:
        return SubscribedQueue(arn, exists=False)
    url = found["QueueUrl"]
    wanted = ["Policy", "KmsMasterKeyId"]
    answer = context.find("sqs", "get_queue_attributes", absent, QueueUrl=url, AttributeNames=wanted)
    policy, key = (str((answer or {}).get("Attributes", {}).get(name) or "") for name in wanted)
    return SubscribedQueue(arn, answer is not None, policy, key)


@part(Side.DR, reads=KEY_READS)
def keys(context: ReadContext) -> tuple[NotificationKey | Unavailable, ...]:
    """The customers' keys of the region's topics and of their queues, two calls each."""
    heard = [queue.key for queue in context.part(queues) if isinstance(queue, SubscribedQueue)]
    # AWS's own keys have policies that nobody may change, and no state to watch.
    refs = sorted({ref for ref in (*(t.key for t in context.part(sns_topics.topics)), *heard) if _is_customers(ref)})
    return tuple(context.maybe(lambda ref: _key(context, ref), refs))


def _is_customers(ref: str) -> bool:
    return bool(ref) and "alias/aws/" not in ref


def _key(context: ReadContext, ref: str) -> NotificationKey:
    found = context.find("kms", "describe_key", ("NotFoundException",), KeyId=ref)
    if found is None:
        return NotificationKey(ref, "absent")
    row = found["KeyMetadata"]
    policy = context.call("kms", "get_key_policy", KeyId=row["Arn"], PolicyName="default")["Policy"]
    return NotificationKey(ref, row.get("KeyState") or "", str(policy), row["Arn"])
