"""DynamoDB streams that a Lambda function reads: what a request changed is handed to the function right after it.

The emulator starts a container within each write, also within one that a transaction takes back. Here the function's
own code runs in this process, with the keys of its role, so that IAM judges it. What fails is handed over again with
the next request, as Lambda does until a record is a day old; a write that changes nothing leaves no record. Sources:
DynamoDB Developer Guide, "Change data capture"; Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB".
"""

from __future__ import annotations

import io
import traceback
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import boto3
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import StreamRecord, StreamShard, Table
from moto.dynamodb.responses import DynamoHandler
from moto.sts.models import sts_backends

from sandbox.core.deployed import DEPLOYED
from sandbox.core.patching import attach, wrap
from sandbox.core.people import AccessKeys
from sandbox.core.state import now

# Lambda renews the keys of its role; here one session lasts for the life of a world.
_SESSION_S = 12 * 3600
_HANDED_OVER = "_handed_over"


@attach(StreamShard)
def add(self: StreamShard, old: Any, new: Any) -> None:
    """Keep what was written as a record of the stream."""
    # PutItem and UpdateItem that change nothing write no record (DynamoDB guide, streams).
    if old is not None and new is not None and old.to_json() == new.to_json():
        return
    event = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    kind = (self.table.stream_specification or {})["StreamViewType"]
    record = StreamRecord(self.table, kind, event, old, new, self.starting_sequence_number + len(self.items))
    record.record["awsRegion"] = self.table.region_name
    record.record["dynamodb"]["ApproximateCreationDateTime"] = now()
    self.items.append(record)


@wrap(DynamoHandler, "call_action")
def _call_action(original: Any, self: DynamoHandler) -> Any:
    tables = dynamodb_backends[self.current_account][self.region].tables
    # Before the request too: what failed last time is handed over again.
    for table in list(tables.values()):
        _hand_over(table)
    answer = original(self)
    for table in list(tables.values()):
        _hand_over(table)
    return answer


def _hand_over(table: Table) -> None:
    """Hand what is new to each function that reads the table's stream; where a mapping begins is seen at once."""
    shard = table.stream_shard
    if shard is None or not table.lambda_event_source_mappings:
        return
    done: dict[str, int] = table.__dict__.setdefault(_HANDED_OVER, {})
    for mapping, function in _readers(table):
        # LATEST begins behind what is there when the mapping is first seen.
        first = 0 if mapping.starting_position == "TRIM_HORIZON" else len(shard.items)
        begin, end = done.setdefault(mapping.uuid, first), len(shard.items)
        if begin == end:
            continue
        try:
            variables = function.environment_vars
            s3 = _clients_of(function.account_id, function.region, function.role)
            _source(function.code_bytes)["keep"](
                [_event(record) for record in shard.items[begin:end]], s3, variables["BUCKET"], variables["FOLDER"]
            )
        # Not handed over: the next request tries the same records again, in their order.
        except Exception:  # noqa: BLE001 - a function that fails fails no write
            traceback.print_exc()
        else:
            done[mapping.uuid] = end


def _readers(table: Table) -> Iterator[tuple[Any, Any]]:
    """The mappings that are on, and their functions."""
    from moto.awslambda.utils import get_backend  # imports a client of Docker

    backend = get_backend(table.account_id, table.region_name)
    on = {mapping.uuid for mapping in backend.list_event_source_mappings("", "") if mapping.enabled}
    for arn, mapping in table.lambda_event_source_mappings.items():
        if mapping.uuid in on:
            yield mapping, backend.get_function(arn.rpartition(":")[2])


def _event(record: StreamRecord) -> dict[str, Any]:
    change = record.to_json()["dynamodb"]
    created = change["ApproximateCreationDateTime"].timestamp()
    return {**record.to_json(), "dynamodb": {**change, "ApproximateCreationDateTime": created}}


@lru_cache(maxsize=8)
def _source(packed: bytes) -> dict[str, Any]:
    module: dict[str, Any] = {"__name__": "index"}
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        exec(compile(archive.read("index.py"), "index.py", "exec"), module)  # noqa: S102 - as Lambda does
    return module


def _clients_of(account: str, region: str, role: str) -> Any:
    """A client of S3 with a session of the role."""
    backend = sts_backends[account]["aws"]
    sessions = [session for session in backend.assumed_roles if session.role_arn == role]
    # One session for all calls: an assume_role for each write would fill the list of sessions.
    session = sessions[-1] if sessions else backend.assume_role(region, "anchors", role, "", _SESSION_S, "")
    keys = AccessKeys(session.access_key_id, session.secret_access_key)
    # Within the world's own process no socket is needed; a mock of moto takes a plain client.
    if DEPLOYED.client_of is not None:
        return DEPLOYED.client_of(keys, "s3", region)
    own = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
    return boto3.client("s3", region, **own, aws_session_token=session.session_token)
