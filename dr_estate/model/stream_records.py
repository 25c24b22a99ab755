"""What AWS anchored of changes of the control table, and what it says against an item that is written once. Pure.

``deploy/anchors/index.py`` makes the names of the objects: a record each, in the order of the table's stream.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from dr_estate.config.environment import Environment
from dr_estate.model.control_items import is_moment
from dr_estate.model.dynamodb_values import moment

# Anchors that AWS writes: who may put them, for the stack that is deployed and for the sandbox alike. Pure.
#
# DynamoDB's stream of the control table is read by a Lambda function (deploy/anchors/index.py), which keeps what each
# record says in a bucket with Object Lock. Its role is Lambda's alone, and the bucket takes objects from that role
# alone. Source: IAM User Guide, "aws:PrincipalArn"; S3 User Guide, "Object Lock considerations".

Statement = dict[str, Any]
# The folder of the bucket: an environment's anchors are below its name in it.
FOLDER = "stream"
VIEW = "NEW_AND_OLD_IMAGES"
RUNTIME = "python3.13"
HANDLER = "index.handler"
# Without aws:SourceArn: Lambda sends none when it takes a function's role, so a condition would keep the function from
# ever starting (Lambda Developer Guide, "Using source function ARN": that key is for what calls a function).
TRUST: Statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
_WRITES = (
    *("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject", "s3:PutObjectLegalHold", "s3:PutObjectRetention"),
    *("s3:ReplicateDelete", "s3:ReplicateObject"),
)
_STREAM_READS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")


def folder_of(env: Environment) -> str:
    """The folder of the environment's anchors."""
    return f"{FOLDER}/{env.name}"


def role_statements(bucket: Any, stream: Any, logs: Any) -> list[Statement]:
    """What the function may: put objects, read its stream and write its own log. Each is an ARN, or a template's."""
    return [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": bucket},
        {"Effect": "Allow", "Action": list(_STREAM_READS), "Resource": stream},
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": logs},
    ]


def bucket_statements(bucket: Any, objects: Any, role: Any) -> list[Statement]:
    """Deny everybody but the role to put an object, and everybody a way without TLS."""
    everybody = {"Effect": "Deny", "Principal": "*"}
    return [
        {"Sid": "TheFunctionAlone", **everybody, "Action": list(_WRITES), "Resource": objects}
        | {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": role}}},
        {"Sid": "EncryptedInTransit", **everybody, "Action": "s3:*", "Resource": [bucket, objects]}
        | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ]


NONE = "-"
# A run anchors an entry as soon as the mirror has it, seconds after it was written; what is sent again while a service
# answers slowly takes minutes. The run's clock is within 2 s of AWS's (dr_estate/aws/clock.py).
_LATE, _EARLY = timedelta(minutes=15), timedelta(minutes=1)
_LONGEST = 300  # of a key in a name, as the function clips it
_NAME = re.compile(
    r"(?P<pk>[^/]*)/(?P<created>\d{12})/(?P<sequence>\d+)/(?P<event>[A-Z]+)/(?P<image>[0-9a-f]{64}|-)"
    r"/(?P<head>[0-9a-f]{64}|-)/(?P<sk>[^/]*)"
)


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """What AWS anchored of one change of an item: ``created`` is when, ``image`` the digest of the item since.

    ``head`` is the digest that an entry of a journal bears. Either is "-" where there is none.
    """

    pk: str
    sk: str
    sequence: int
    created: datetime
    event: str
    image: str
    head: str = NONE


# The items of a partition as DynamoDB has them, by ``sk``.
Items = Mapping[str, Mapping[str, Any]]


def prefix_of(env: Environment, pk: str) -> str:
    """Where in the bucket the records of a partition are."""
    return f"{folder_of(env)}/{quote(pk, safe='')[:_LONGEST]}/"


def records_of(env: Environment, keys: Iterable[str]) -> list[StreamRecord]:
    """The records of objects by their names, once each; what the function did not write is none."""
    found = (_NAME.fullmatch(key.removeprefix(f"{folder_of(env)}/")) for key in dict.fromkeys(keys))
    return [
        StreamRecord(
            pk=unquote(name["pk"]),
            sk=unquote(name["sk"]),
            sequence=int(name["sequence"]),
            created=datetime.fromtimestamp(int(name["created"]), UTC),
            event=name["event"],
            image=name["image"],
            head=name["head"],
        )
        for name in found
        if name is not None
    ]


def image_digest(item: Mapping[str, Any]) -> str:
    """The digest of an item in DynamoDB's own JSON, as deploy/anchors/index.py makes it."""
    text = json.dumps(item, sort_keys=True, separators=(",", ":"), default=lambda raw: base64.b64encode(raw).decode())
    return hashlib.sha256(text.encode()).hexdigest()


def is_in_time(stated: datetime, arrived: datetime, speed: float = 1.0) -> bool:
    """Whether what says ``stated`` can have arrived then."""
    return -_EARLY * speed <= arrived - stated <= _LATE * speed


def utc_text(moment: datetime) -> str:
    """The moment in a sentence."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def by_item(records: Iterable[StreamRecord]) -> dict[str, list[StreamRecord]]:
    """The records of each item of a partition, by ``sk``, in the order in which AWS wrote them."""
    found: defaultdict[str, list[StreamRecord]] = defaultdict(list)
    for row in sorted(records, key=order_of):
        found[row.sk].append(row)
    return found


def flaw_of(
    stated: datetime, records: Sequence[StreamRecord], item: Mapping[str, Any] | None, speed: float = 1.0
) -> str:
    """What AWS's anchors say against an item that is written once, by its own word when ``stated``; "" for nothing.

    An item of which AWS saw no change is from before it began to look.
    """
    if not records:
        return ""
    first, *others = records
    if others:
        word = "taken out" if others[0].event == "REMOVE" else "rewritten"
        return f"was written {utc_text(first.created)}, and {word} {utc_text(others[0].created)}"
    if first.event != "INSERT":
        word = "taken out" if first.event == "REMOVE" else "rewritten"
        return f"was {word} {utc_text(first.created)}"
    if item is None or image_digest(item) != first.image:
        return f"is not what was written {utc_text(first.created)}"
    if not is_in_time(stated, first.created, speed):
        return f"says {utc_text(stated)}, and was written {utc_text(first.created)}"
    return ""


def moment_in(sk: str) -> datetime | None:
    """The moment that the key of an item of the history begins with; None where it is none."""
    stated = sk.partition("#")[0]
    return moment(stated) if is_moment(stated) else None


def order_of(row: StreamRecord) -> tuple[datetime, int]:
    """The order in which AWS wrote them."""
    return row.created, row.sequence
