"""People of the tour, played: who changes DNS by hand, and who sees that a run waits for an approver."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from sandbox.client.endpoint import Endpoint

_PATTERN = "*/change-batch-*.json"
_LOOKS_EVERY_S = 0.5


def _client(world: Endpoint, service: str, region: str) -> Any:
    keys = world.people["admin"]
    return boto3.client(
        service,
        endpoint_url=world.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        region_name=region,
    )


def waiting(world: Endpoint, region: str) -> frozenset[str]:
    """The ids of the executions of Systems Manager that wait in the region, as a plain client sees them."""
    # Waiting is the status of an execution whose aws:approve step is open.
    only = [{"Key": "ExecutionStatus", "Values": ["Waiting"]}]
    found = _client(world, "ssm", region).describe_automation_executions(Filters=only)
    return frozenset(row["AutomationExecutionId"] for row in found["AutomationExecutionMetadataList"])


@contextmanager
def zone_administrator(
    world: Endpoint, results: Path, reading_s: float, notify: Callable[[Path], None]
) -> Iterator[None]:
    """Send each new change batch below ``results`` to ``world``, ``reading_s`` after it was found and reported."""
    over, seen = threading.Event(), set(results.glob(_PATTERN))

    def keep_looking() -> None:
        while not over.wait(_LOOKS_EVERY_S):
            for path in sorted(set(results.glob(_PATTERN)) - seen):
                seen.add(path)
                notify(path)
                # Ends early with the block: a person who still reads sends nothing after it.
                over.wait(reading_s)
                batch, client = json.loads(path.read_text(encoding="utf-8")), _client(world, "route53", "us-east-1")
                name = batch["Changes"][0]["ResourceRecordSet"]["Name"].rstrip(".") + "."
                zones: list[dict[str, Any]] = client.list_hosted_zones()["HostedZones"]
                public = [zone for zone in zones if name.endswith(zone["Name"]) and not zone["Config"]["PrivateZone"]]
                # The nearest zone: a name lies in the zones of all its parents too.
                zone = max(public, key=lambda zone: len(zone["Name"]))
                client.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch=batch)

    person = threading.Thread(target=keep_looking, daemon=True)
    person.start()
    try:
        yield
    finally:
        over.set()
        person.join()
