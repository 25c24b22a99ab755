"""Type and name of a resource by its ARN, as a person would call it. Pure."""

from __future__ import annotations

import re

_RESOURCE = re.compile(r"/?(?:regional/)?(?P<kind>[^:/]*)[:/](?P<rest>.*)")
# Parts of ARNs that name no resource: the kind of a load balancer, the default bus or group.
_DROPPED = {"", "app", "net", "gwy", "default"}
# Types whose ARN ends with an id behind the name.
_WITH_ID = {"elasticloadbalancing:loadbalancer", "wafv2:webacl", "cloudformation:stack"}
# Services whose ARNs are names without a type.
_BARE = {"s3", "sns", "sqs"}


def resource_of(arn: str) -> tuple[str, str]:
    """Return ``service:type`` and the name in an ARN, such as ``lambda:function`` and ``sit-mail``.

    The type is left out where the service has but one, such as ``sqs``. Raises ValueError for what is no ARN.
    """
    _, _, service, _, _, resource = arn.split(":", 5)
    found = _RESOURCE.fullmatch(resource)
    if service in _BARE or found is None:
        return service, resource
    kind, parts = f"{service}:{found['kind']}", [part for part in found["rest"].split("/") if part not in _DROPPED]
    if kind in _WITH_ID and len(parts) > 1:
        parts.pop()
    return kind, "/".join(parts)
