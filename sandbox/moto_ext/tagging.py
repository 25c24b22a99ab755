"""What GetResources lists: rules of EventBridge too, and of S3's buckets those of the region that is asked.

It refuses a call that names a service which it does not know. Source: github.com/boto/botocore/issues/1843.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.events.models import EventsBackend
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.s3.models import s3_backends

from sandbox.core.patching import refused, wrap

_BUCKET = "arn:aws:s3:::"
# Services whose resources GetResources does not list, though they have tags.
_UNKNOWN = frozenset({"autoscaling", "docdb", "mwaa", "neptune-db"})


@wrap(EventsBackend, "iter_tagged_resources")
def _with_rules(original: Callable[[EventsBackend], Iterator[Any]], self: EventsBackend) -> Iterator[Any]:
    yield from original(self)
    for bus in self.event_buses.values():
        for rule in bus.rules.values():
            tags = self.tagger.get_tag_dict_for_resource(rule.arn)
            yield TaggedResource(arn=rule.arn, tags=tags, resource_type="events:rule")


@wrap(ResourceGroupsTaggingAPIBackend, "get_resources")
def _of_region(
    original: Callable[..., Any], self: ResourceGroupsTaggingAPIBackend, *args: Any, **kwargs: Any
) -> tuple[str | None, list[TaggedResource]]:
    for filtered in kwargs.get("resource_type_filters") or ():
        if (service := filtered.partition(":")[0]) in _UNKNOWN:
            message = f"Unsupported service={service} in ResourceTypeFilter - {filtered}"
            raise refused("InvalidParameterException", message)
    buckets = s3_backends[self.account_id]["aws"].buckets
    token, rows = original(self, *args, **kwargs)
    # ARNs of buckets have no region: moto lists every bucket in each region.
    elsewhere = {f"{_BUCKET}{name}" for name, bucket in buckets.items() if bucket.region_name != self.region_name}
    return token, [row for row in rows if row.arn not in elsewhere]
