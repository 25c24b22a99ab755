"""A tenant's secret of both regions as values, read as the reader reads it: no value is in what is seen."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

from dr_actions.model.plan import Call
from dr_estate.config.environment import Side
from dr_estate.readers import rds, secretsmanager
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.estates import with_part
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

NAME, OTHER = "sit-tenant-1-db-credentials", "sit-tenant2-db-credentials"
PRIMARY, DR = SIT.regions.primary, SIT.regions.dr
(DATABASE,) = healthy().get(rds.instances, Side.PRIMARY)
SERVED = replace(DATABASE, arn=DATABASE.arn.replace(PRIMARY, DR), host=DATABASE.host.replace(PRIMARY, DR))
"""The primary's database, restored in the DR region."""
VALUE = {"username": "user-1", "password": "secret-1", "host": DATABASE.host, "port": "3306"}
Value = dict[str, str]


def estate(here: Value, there: Value, replica: bool = False, served: bool = True) -> Snapshot:
    """The estate whose secret has these values; of the DR region's own unless it is a replica."""
    seen = healthy()
    for side, value in ((Side.PRIMARY, here), (Side.DR, there)):
        row = {
            "Name": NAME,
            "VersionId": str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(value))),
            "SecretString": json.dumps(value),
        }
        contents = read(secretsmanager.contents, side, {"batch_get_secret_value": {"SecretValues": [row]}})
        known = {row.name: row for row in (*seen.get(secretsmanager.contents, side), *contents)}
        seen = with_part(seen, secretsmanager.contents, side, tuple(known.values()))
    rows = seen.get(secretsmanager.secrets, Side.DR)
    if not replica:
        rows = tuple(replace(row, replica_of="") if row.name == NAME else row for row in rows)
    seen = with_part(seen, secretsmanager.secrets, Side.DR, rows)
    return with_part(seen, rds.instances, Side.DR, (SERVED,) if served else ())


class Store:
    """A hand that keeps the values of a secret by region, and every call."""

    def __init__(self, **values: Value) -> None:
        self.values = {SIT.region(Side(side)): json.dumps(value) for side, value in values.items()}
        self.calls: list[Call] = []

    def send(self, call: Call) -> dict[str, Any]:
        self.calls.append(call)
        if call.operation == "GetSecretValue":
            return {"SecretString": self.values[call.region], "VersionId": "v1"}
        self.values[call.region] = call.params["SecretString"]
        return {
            "ARN": "arn",
            "VersionId": call.params["ClientRequestToken"],
            "Name": NAME,
            "VersionStages": ["AWSCURRENT"],
        }

    def value(self, side: Side) -> Value:
        found: Value = json.loads(self.values[SIT.region(side)])
        return found
