"""Checks of SNS topics: existence and subscribers in both regions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dr_checks.core.model import BOTH, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_estate.config.environment import Side
from dr_estate.iam.key_uses import by_role, by_service, refusal_of
from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of, denial_of
from dr_estate.model import states
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import sns_delivery, sns_topics

_ALIKE = "as in the primary region"
_ALARMS = "cloudwatch.amazonaws.com"
# What a publisher does with a topic's key, and SNS with a queue's (SNS guide, Key management).
_WRITES = ("kms:GenerateDataKey", "kms:Decrypt")


@check("every notification topic exists in both regions")
@weigh(Severity.CRITICAL, Area.PREREQUISITES, BOTH)
@cite("T40", "SnsTopicsBothRegions", "NIST CP-2")
def in_both_regions(view: View) -> Iterator[Finding]:
    """Each of names.topics exists on this side. Source: SNS GetTopicAttributes, T40."""
    for topic in view.get(sns_topics.topics):
        if topic.exists:
            yield view.ok(topic.name, "exists", "exists", "stakeholders can be notified from here")
        else:
            reason = f"a recovery in {view.region} would send no notifications"
            remedy = Remedy(
                f"Create aws_sns_topic '{topic.name}' in {view.region}, then have people subscribe to it.",
                (view.command("sns", "CreateTopic", Name=topic.name),),
            )
            yield view.gap(topic.name, "absent", "exists", reason, remedy)


@check(
    "every notification topic has a confirmed subscriber", none=("topics", "there is none: see topics.in-both-regions")
)
@weigh(Severity.CRITICAL, Area.PREREQUISITES, BOTH)
@cite("T40", "SnsSubscriptionPendingConfirmation", "SnsSubscriptionEndpointEnabled", "NIST CP-2")
def subscribed(view: View) -> Iterator[Finding]:
    """Each existing topic has a confirmed subscription; a pending one hears nothing. Source: SNS GetTopicAttributes."""
    there = [topic for topic in view.get(sns_topics.topics) if topic.exists]
    for topic in there:
        measured = f"{topic.confirmed} confirmed, {topic.pending} pending"
        if topic.confirmed:
            yield view.ok(topic.name, measured, "1 or more confirmed", "the topic has confirmed subscribers")
        else:
            remedy = (
                f"Subscribe an address to it (aws_sns_topic_subscription '{topic.name}' in {view.region}), whose owner "
                "confirms the subscription."
            )
            yield view.gap(topic.name, measured, "1 or more confirmed", "a message to it reaches no one", remedy)


@check(
    "the notification topics of the DR region have the subscribers of the primary region's",
    none=("topics", "none is in both regions: see topics.in-both-regions"),
)
@weigh(Severity.NORMAL, Area.PREREQUISITES)
@cite(
    "T40",
    "SnsTopicSubscription",
    "SnsTopicDisplayName",
    "SnsTopicDeliveryPolicy",
    "SnsTopicAwsKmsKey",
    "SnsSubscriptionProtocol",
    "SnsSubscriptionNonAwsEndpoint",
    "SnsSubscriptionSqsLambdaEndpoint",
    "SnsSubscriptionDeliveryPolicy",
    "SnsSubscriptionRawMessageDelivery",
    "SnsSubscriptionFilter",
    "SnsSubscriptionRedrivePolicy",
    "NIST CP-2",
)
def alike(view: View) -> Iterator[Finding]:
    """The topics have the subscribers and settings of the primary region; additional subscribers are fine.

    Addresses are compared; of queues and functions, which each region has itself, only how many. Source: ARC Sns rules.
    """
    there = {topic.name: topic for topic in view.get(sns_topics.topics, Side.PRIMARY) if topic.exists}
    both = [topic for topic in view.get(sns_topics.topics) if topic.exists and topic.name in there]
    wanted_by, heard_by = _listeners_by_topic(view, Side.PRIMARY), _listeners_by_topic(view)
    for topic in both:
        wanted, mine = wanted_by.get(topic.name, Counter()), heard_by.get(topic.name, Counter())
        gaps = [f"missing: {who}" for who in sorted((wanted - mine).elements())]
        remedy = f"Apply aws_sns_topic '{topic.name}' and its subscriptions with the provider of {view.region} too."
        unlike = [f"not {setting}" for setting in there[topic.name].settings if setting not in topic.settings]
        # A name to show where the primary's has none changes how a message looks, and not to whom it goes.
        own = (s for s in topic.settings if not s.startswith(sns_topics.SHOWN) or _is_shown(there[topic.name]))
        unlike += [f"{setting}, here only" for setting in own if setting not in there[topic.name].settings]
        # A subscriber who is missing is a gap; settings alone change how a message looks.
        if gaps:
            reason = "subscribers of the primary region's topic would not be notified from here"
            yield view.gap(topic.name, "; ".join(gaps + unlike), _ALIKE, reason, remedy)
        elif unlike:
            reason = "messages from here are shown or delivered differently from the primary region's"
            yield view.warn(topic.name, "; ".join(unlike), _ALIKE, reason, remedy)
        else:
            yield view.ok(topic.name, "alike", _ALIKE, "the subscribers are the same")


@check(
    "alarms and the tool may publish to every notification topic of the DR region, and what is subscribed takes it",
    none=("topics", "there is none: see topics.in-both-regions"),
)
@weigh(Severity.NORMAL, Area.PREREQUISITES)
@cite("T40", "SnsSubscriptionSqsLambdaEndpoint", "REL11-BP06", "NIST CP-2")
def delivered(view: View) -> Iterator[Finding]:
    """The topic's policy and key let CloudWatch and the operator's role in; each queue, with its key, or function here
    admits it.

    In one account IAM opens a topic to the role: only a deny counts there. Source: SNS Developer Guide, "Key
    management", "Fanout to Amazon SQS queues" and "Fanout to Lambda functions"; CloudWatch User Guide, "Notifying users
    on alarm changes".
    """
    there = [topic for topic in view.get(sns_topics.topics) if topic.exists]
    wanted = "alarms and the tool publish, queues and functions take it"
    for topic in there:
        flaws = list(_flaws(view, topic))
        lost = [flaw for flaw in flaws if isinstance(flaw, str)]
        dark = [flaw for flaw in flaws if isinstance(flaw, Unavailable)]
        # What is certain first: one refusal is enough, whatever else was not read.
        if lost:
            reason = "what happens in a recovery reaches nobody, and no publisher notices"
            policies = "aws_sns_topic_policy, aws_kms_key, aws_sqs_queue_policy or aws_lambda_permission"
            remedy = f"{policies} of '{topic.name}' in {view.region}, as the primary's."
            yield view.gap(topic.name, "; ".join(lost), wanted, reason, remedy)
        elif dark:
            yield view.unknown(topic.name, wanted, dark[0])
        elif None in flaws:
            reason = "A policy has conditions that only AWS evaluates."
            policies = f"the policies of {topic.name}, its key and its subscribers"
            yield view.undecided(topic.name, wanted, reason, policies)
        else:
            yield view.ok(topic.name, "admitted", wanted, "messages from here arrive")


def _flaws(view: View, topic: sns_topics.Topic) -> Iterator[str | Unavailable | None]:
    """Yield what keeps messages of the topic from arriving; None where that cannot be determined."""
    env, region = view.env, view.region
    arn = f"arn:aws:sns:{region}:{env.account}:{topic.name}"
    operator = env.acting_role_arn
    alarm = f"arn:aws:cloudwatch:{region}:{env.account}:alarm:any"
    time = _always(view)
    # aws:SourceOwner is what the policy tests that SNS gives a new topic.
    by_account = ((key, env.account) for key in ("aws:SourceAccount", "aws:SourceOwner"))
    of_alarm = (("aws:SourceArn", alarm), *by_account, *time)
    by_role = (("aws:PrincipalArn", operator), ("aws:PrincipalAccount", env.account), ("aws:SourceOwner", env.account))
    publish, root = "sns:Publish", f"arn:aws:iam::{env.account}:root"
    if topic.policy:
        denial = denial_of(topic.policy, PolicyRequest((operator, root), publish, arn, (*by_role, *time)))
        if denial is PolicyAnswer.UNDECIDED:
            yield None
        elif denial is PolicyAnswer.DENIED:
            yield f"its policy denies {publish} to {env.acting_role}"
        yield from _missing_admissions(topic.policy, PolicyRequest((_ALARMS,), publish, arn, of_alarm), "its policy")
    if topic.key:
        yield from _of_key(view, topic.key, "its key", "sns", "cloudwatch", (("aws:SourceArn", alarm),))
    yield from _deaf(view, topic.name, arn)
    yield from _deaf_functions(view, topic.name, arn)


def _of_key(
    view: View, ref: str, whose: str, through: str, service: str, context: tuple[tuple[str, str], ...]
) -> Iterator[str | Unavailable | None]:
    """What of the key named ``ref`` keeps ``service``, and the tool where it publishes, from writing ``through`` it."""
    env = view.env
    # The policy of AWS's own key admits no other service, and nobody can change it (SNS guide, Key management; SQS
    # guide, "Configure KMS permissions for AWS services").
    if ref.endswith(f"alias/aws/{through}"):
        yield f"{whose} alias/aws/{through} admits no {'alarm' if through == 'sns' else 'topic'}"
        return
    operator = env.acting_role_arn
    for key in view.get(sns_delivery.keys):
        if isinstance(key, Unavailable):
            yield key
        elif key.ref == ref and not states.KEY[key.state].serves:
            yield f"{whose} is {key.state}"
        elif key.ref == ref:
            arn = key.arn or f"arn:aws:kms:{view.region}:{env.account}:key/any"
            uses = [by_service(service, env.account, arn, _WRITES, view.now, context, through=through)]
            uses += [by_role(operator, env.account, arn, "sns", _WRITES, view.now)] if through == "sns" else []
            for refused in filter(None, (refusal_of(key.policy, use) for use in uses)):
                undecided, who = refused.answer is PolicyAnswer.UNDECIDED, refused.user.rpartition("/")[2]
                yield None if undecided else f"{whose} does not admit {who}"


def _deaf(view: View, topic: str, arn: str) -> Iterator[str | Unavailable | None]:
    """What is wrong with the queues that are subscribed to the topic."""
    queues = view.get(sns_delivery.queues)
    yield from (queue for queue in queues if isinstance(queue, Unavailable))
    by_arn = {queue.arn: queue for queue in queues if not isinstance(queue, Unavailable)}
    for listener in view.get(sns_topics.listeners):
        if listener.topic != topic or listener.who != "sqs":
            continue
        queue, name = by_arn.get(listener.endpoint), listener.endpoint.rpartition(":")[2]
        if f":{view.env.regions.primary}:" in listener.endpoint:
            yield f"{name} is a queue of {view.env.regions.primary}"
        elif queue is not None and not queue.exists:
            yield f"there is no queue {name}"
        elif queue is not None:
            context = (("aws:SourceArn", arn), ("aws:SourceAccount", view.env.account), *_always(view))
            request = PolicyRequest(("sns.amazonaws.com",), "sqs:SendMessage", queue.arn, context)
            yield from _missing_admissions(queue.policy, request, f"the policy of {name}")
            if queue.key:
                yield from _of_key(view, queue.key, f"the key of {name}", "sqs", "sns", (("aws:SourceArn", arn),))


def _deaf_functions(view: View, topic: str, arn: str) -> Iterator[str | Unavailable | None]:
    """What is wrong with the functions that are subscribed to the topic."""
    heard = [row.endpoint for row in view.get(sns_topics.listeners) if row.topic == topic and row.who == "lambda"]
    functions = view.get(sns_delivery.functions) if heard else ()
    yield from (row for row in functions if isinstance(row, Unavailable))
    by_arn = {row.arn: row for row in functions if not isinstance(row, Unavailable)}
    for endpoint in heard:
        function, name = by_arn.get(endpoint), endpoint.partition(":function:")[2]
        if f":{view.env.regions.primary}:" in endpoint:
            yield f"{name} is a function of {view.env.regions.primary}"
        elif function is not None and not states.FUNCTION[function.state].known:
            yield None
        elif function is not None and not states.FUNCTION[function.state].serves:
            yield f"the function {name} is {function.state}"
        # A reserved concurrency of 0 stops a function, whatever its state is (Lambda guide).
        elif function is not None and not function.runs:
            yield f"the function {name} may not run: its reserved concurrency is 0"
        elif function is not None:
            context = (("aws:SourceArn", arn), ("aws:SourceAccount", view.env.account), *_always(view))
            request = PolicyRequest(("sns.amazonaws.com",), "lambda:InvokeFunction", endpoint, context)
            yield from _missing_admissions(function.policy, request, f"the policy of {name}")


def _always(view: View) -> tuple[tuple[str, str], ...]:
    """What is so of every message: its time, and that it is sent by TLS, as AWS's services and SDKs do."""
    return (*moment_keys(view.now), ("aws:SecureTransport", "true"))


def _missing_admissions(policy: str, request: PolicyRequest, whose: str) -> Iterator[str | None]:
    answer = answer_of(policy, request)
    if answer is PolicyAnswer.UNDECIDED:
        yield None
    elif answer is not PolicyAnswer.ALLOWED:
        yield f"{whose} does not admit {request.principals[0]}"


def _is_shown(topic: sns_topics.Topic) -> bool:
    return any(setting.startswith(sns_topics.SHOWN) for setting in topic.settings)


def _listeners_by_topic(view: View, side: Side = Side.DR) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for listener in view.get(sns_topics.listeners, side):
        found.setdefault(listener.topic, Counter())[", ".join((listener.who, *listener.settings))] += 1
    return found
