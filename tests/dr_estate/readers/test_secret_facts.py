"""What readers of secrets and of files of variables know besides values: the master user, schemas, absent files."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs, named_resources, rds, secretsmanager, task_sources
from dr_estate.readers.secretsmanager import MasterUser, RotationFunction
from dr_estate.readers.task_sources import TaskBucket
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.aws_answers import read
from tests.dr_checks.compute import D, definition
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, SIT

DR = SIT.regions.dr
MASTER = SIT.named(SIT.names.master_secret)
SNAPSHOT = rds.DbSnapshot("copy", "manual", "available", None, "8.0", "key", "")
COPIES = ((rds.instances, ()), (rds.automated_backups, None), (rds.snapshots, (SNAPSHOT,)))


def _upon(user: str, **unseen: Any) -> Snapshot:
    """The healthy estate whose copies of the database have this master user; ``unseen`` parts by their names."""
    seen, parts = healthy(), dict(healthy().parts)
    for reader, value in COPIES:
        part = parts[reader.name, Side.DR]
        rows = part.value if value is None else value
        named = tuple(replace(row, master_user=user) for row in rows)
        parts[reader.name, Side.DR] = replace(part, value=unseen.get(reader.name.partition(".")[2], named))
    return replace(seen, parts=parts)


def _answer(**value: str) -> dict[str, Any]:
    return {"batch_get_secret_value": {"SecretValues": [{"Name": MASTER, "SecretString": json.dumps(value)}]}}


def _users(upon: Snapshot, answers: dict[str, Any]) -> MasterUser | None:
    return read(secretsmanager.master_user, Side.DR, answers, upon)


@pytest.mark.parametrize("user", ["admin", "root"])
def test_the_user_is_compared_with_that_of_the_copies(user: str) -> None:
    others = {"users": "x", "replication_user": "repl", "monitoring.user": "exporter"}
    found = _users(_upon("admin"), _answer(username=user, password="admin", DB_USER="admin", **others))
    assert found == MasterUser(MASTER, (("DB_USER", True), ("username", user == "admin")))


def test_a_copy_that_is_not_seen_hides_no_other() -> None:
    assert _users(_upon("admin", automated_backups=DENIED), _answer(username="admin")) is not None
    assert _users(_upon("", snapshots=()), {}) is None
    with pytest.raises(DataUnavailable):
        _users(_upon("", automated_backups=DENIED), {})


def test_an_unreadable_value_is_unknown_and_another_key_is_not_ours() -> None:
    def failed(code: str) -> dict[str, Any]:
        return {"batch_get_secret_value": {"Errors": [{"SecretId": MASTER, "ErrorCode": code}]}}

    assert _users(_upon("admin"), failed("DecryptionFailure")) == MasterUser(MASTER, ())
    with pytest.raises(DataUnavailable):
        _users(_upon("admin"), failed("AccessDeniedException"))


def test_the_functions_that_rotate_a_regions_own_secrets_are_looked_up() -> None:
    def listed(function: str, **row: Any) -> dict[str, Any]:
        return {
            "Name": MASTER,
            "ARN": f"arn:aws:secretsmanager:{DR}:1:secret:m-aaaaaa",
            "RotationLambdaARN": function,
            **row,
        }

    def functions(*rows: dict[str, Any]) -> Any:
        secrets = read(secretsmanager.secrets, Side.DR, {"list_secrets": {"SecretList": list(rows)}})
        seen, key = healthy(), (secretsmanager.secrets.name, Side.DR)
        upon = replace(seen, parts={**seen.parts, key: replace(seen.parts[key], value=secrets)})
        answers = {"get_function_configuration": {"State": "Active"}}
        return read(secretsmanager.rotation_functions, Side.DR, answers, upon)

    here, away = (f"arn:aws:lambda:{region}:1:function:rotate" for region in (DR, SIT.regions.primary))
    assert functions(listed(here, RotationEnabled=True)) == (RotationFunction(here, exists=True),)
    assert functions(listed(here)) == ()
    assert functions(listed(away, RotationEnabled=True)) == ()
    assert functions(listed(here, RotationEnabled=True, PrimaryRegion=SIT.regions.primary)) == ()


def test_a_host_in_capitals_is_the_same_host() -> None:
    def digests(host: str, user: str) -> dict[str, str]:
        text = json.dumps({"host": host, "username": user})
        value = {"SecretString": text, "Name": SIT.named(SIT.names.master_secret)}
        (content,) = read(secretsmanager.contents, Side.DR, {"batch_get_secret_value": {"SecretValues": [value]}})
        assert isinstance(content, secretsmanager.Content)
        return {field.name: field.digest for field in content.fields}

    small, large = digests("db.sit.internal", "admin"), digests("DB.SIT.internal", "ADMIN")
    assert small["host"] == large["host"]
    assert small["username"] != large["username"]


def test_a_tenants_schema_is_known_by_the_naming_rule() -> None:
    name, schema = (SIT.named(p, tenant="tenant1") for p in (SIT.names.tenant_secret, SIT.names.tenant_schema))
    value = json.dumps({"dbname": schema, "database": "other", "username": schema})
    answers = {"batch_get_secret_value": {"SecretValues": [{"Name": name, "SecretString": value}]}}
    content = read(secretsmanager.contents, Side.DR, answers)[0]
    assert isinstance(content, secretsmanager.Content)
    assert {field.name: field.known for field in content.fields} == {
        "dbname": True,
        "database": False,
        "username": None,
    }


@pytest.mark.parametrize(
    ("region", "listed", "absent"),
    [
        (D, ["app.env"], ()),
        (D, ["app.env.old"], ("app.env",)),
        (D, [], ("app.env",)),
        (SIT.regions.primary, ["app.env"], None),
    ],
)
def test_a_file_is_there_whose_key_is_the_first_of_its_prefix(region: str, listed: list[str], absent: Any) -> None:
    seen, key = healthy(), (ecs.task_definitions.name, Side.DR)
    rows = tuple(definition(tenant, D, {"files": ("variables/app.env",)}) for tenant in ("tenant1", "tenant2"))
    upon = replace(seen, parts={**seen.parts, key: replace(seen.parts[key], value=rows)})
    answers = {
        "head_bucket": {"BucketRegion": region},
        "list_objects_v2": {"Contents": [{"Key": key} for key in listed]},
    }
    assert read(task_sources.file_buckets, Side.DR, answers, upon) == (TaskBucket("variables", region, absent),)


def test_an_environment_file_is_read_for_its_targets_without_its_values() -> None:
    seen, key = healthy(), (ecs.task_definitions.name, Side.DR)
    rows = (definition("tenant1", D, {"files": ("variables/app.env",)}),)
    upon = replace(seen, parts={**seen.parts, key: replace(seen.parts[key], value=rows)})
    text = f"# HOST=10.1.1.1\n\nPASSWORD=hunter2\nHOST = 10.10.3.4:3306\nREGION={SIT.regions.primary}\n"
    (file,) = read(named_resources.files, Side.DR, {"get_object": {"Body": BytesIO(text.encode())}}, upon)
    assert isinstance(file, named_resources.VariablesFile)
    assert [(row.name, row.leads, row.names_primary) for row in file.variables or ()] == [
        ("PASSWORD", (), False),
        ("HOST", ("10.10.3.4",), False),
        ("REGION", (), True),
    ]
    assert "hunter2" not in repr(file)


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("tenant-1", "{tenant}"),
        ("Tenant1 of TENANT-1", "{tenant} of {tenant}"),
        ("sit_tenant1.db", "sit_{tenant}.db"),
        ("tenant11 xtenant1 tenant-12", "tenant11 xtenant1 tenant-12"),
        ("tenant1-tenant-1", "{tenant}-{tenant}"),
        ("\u0130 tenant1 \u00e9tenant1", "\u0130 {tenant} \u00e9{tenant}"),
        ("another", "another"),
        ("", ""),
    ],
)
def test_tenant_names_are_found_in_a_value_as_whole_words(value: str, left: str) -> None:
    assert secretsmanager.without_names(value, ("tenant-1", "tenant1")) == left
