"""SNS subscriptions that are pending until confirmed, and topics that count them (API_GetTopicAttributes; T40).

The emulator counts none and confirms all. Mail and web endpoints start pending and hear nothing; queues and functions
are confirmed at once. ``confirm_subscription`` takes the token of :func:`token_of`, which AWS would send by mail.
A queue keeps its policy while another of its attributes is set (SQS API, SetQueueAttributes).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from moto.sns.models import SNSBackend, Subscription, Topic
from moto.sns.responses import SNSResponse
from moto.sqs.models import Queue, SQSBackend

from sandbox.core.patching import computed, operation, refused, wrap

# A person or a web server must answer with the token (SNS guide, confirming a subscription).
CONFIRMED_BY_SOMEBODY = ("email", "email-json", "http", "https")
PENDING = "PendingConfirmation"


def token_of(subscription_arn: str) -> str:
    """The token that confirms a subscription."""
    return hashlib.sha256(f"confirm {subscription_arn}".encode()).hexdigest()


def is_pending(subscription: Subscription) -> bool:
    """Whether nobody has confirmed it yet."""
    return bool(subscription.__dict__.get("awaits_confirmation"))


def _of(topic: Topic) -> Iterator[Subscription]:
    return (
        subscription for subscription in topic.sns_backend.subscriptions.values() if subscription.topic.arn == topic.arn
    )


@computed(Topic, "subscriptions_confimed")  # the emulator's own spelling
def count_confirmed(self: Topic) -> int:
    """How many subscriptions of the topic hear it."""
    return sum(1 for subscription in _of(self) if not is_pending(subscription))


@computed(Topic, "subscriptions_pending")
def count_pending(self: Topic) -> int:
    """How many subscriptions of the topic wait for a confirmation."""
    return sum(1 for subscription in _of(self) if is_pending(subscription))


@wrap(SNSBackend, "subscribe")
def _subscribe(original: Callable[..., Any], self: SNSBackend, *args: Any, **kwargs: Any) -> Subscription:
    known = set(self.subscriptions)
    subscription: Subscription = original(self, *args, **kwargs)
    # A second subscription of the same endpoint gives the first one again.
    if subscription.arn not in known and subscription.protocol in CONFIRMED_BY_SOMEBODY:
        subscription.__dict__["awaits_confirmation"] = True
        subscription.attributes |= {PENDING: True, "ConfirmationWasAuthenticated": False}
    return subscription


@wrap(SNSResponse, "subscribe")
def _answer_subscription(original: Callable[..., Any], self: SNSResponse) -> Any:
    answer = original(self)
    subscription = self.backend.subscriptions[answer.result["SubscriptionArn"]]
    if is_pending(subscription) and not self._get_bool_param("ReturnSubscriptionArn", False):
        # What SNS answers until it is confirmed (API_Subscribe).
        answer.result["SubscriptionArn"] = "pending confirmation"
    return answer


@operation(SNSResponse, "confirm_subscription")
def _confirm(self: SNSResponse, params: dict[str, Any]) -> dict[str, Any]:
    topic = self.backend.get_topic(params["TopicArn"])
    for subscription in _of(topic):
        if token_of(subscription.arn) == params["Token"]:
            subscription.__dict__["awaits_confirmation"] = False
            subscription.attributes |= {PENDING: False, "ConfirmationWasAuthenticated": True}
            return {"SubscriptionArn": subscription.arn}
    raise refused("InvalidParameter", "Invalid parameter: Token")


@wrap(Subscription, "publish")
def _publish(original: Callable[..., Any], self: Subscription, *args: Any, **kwargs: Any) -> None:
    if not is_pending(self):
        original(self, *args, **kwargs)


@wrap(SNSResponse, "list_subscriptions", "list_subscriptions_by_topic")
def _list_subscriptions(original: Callable[..., Any], self: SNSResponse) -> Any:
    answer = original(self)
    answer.result["Subscriptions"] = [
        {
            # Listings show PendingConfirmation in the place of the ARN (recordings, sns.ListSubscriptionsByTopic).
            "SubscriptionArn": PENDING if is_pending(subscription) else subscription.arn,
            "Owner": subscription.owner,
            "Protocol": subscription.protocol,
            "Endpoint": subscription.endpoint,
            "TopicArn": subscription.topic.arn,
        }
        for subscription in answer.result["Subscriptions"]
    ]
    return answer


@wrap(SQSBackend, "set_queue_attributes")
def _set_queue_attributes(
    original: Callable[..., Queue], self: SQSBackend, queue_name: str, attributes: dict[str, Any]
) -> Queue:
    policy = self.get_queue(queue_name).policy
    queue = original(self, queue_name=queue_name, attributes=attributes)
    if "Policy" not in attributes:
        queue.policy = policy
    return queue
