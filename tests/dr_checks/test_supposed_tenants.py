"""Tenants are taken from what is remembered before DNS, where tenant-1 is spelled tenant1."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_checks.core.model import Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, route53, secretsmanager
from dr_estate.readers.secretsmanager import Secret
from dr_estate.snapshot.snapshot import Snapshot
from dr_estate.snapshot.tenants import discover
from tests.dr_checks.edges import HOSTS
from tests.dr_checks.worlds import DENIED, SIT, world

SECRETS = tuple(
    Secret(name, f"arn:{name}", "", "", "v", None, None)
    for name in (SIT.named(SIT.names.master_secret), SIT.named(SIT.names.tenant_secret, tenant="tenant-1"))
)


def _seen(*remembered: str) -> Snapshot:
    """Both regions' services are dark, the zone has the host of tenant1, and the secret of tenant-1 is there."""
    values = {
        (ecs.services, Side.PRIMARY): DENIED,
        (ecs.services, Side.DR): DENIED,
        (route53.records, Side.GLOBAL): HOSTS[:1],
        (secretsmanager.secrets, Side.DR): SECRETS,
    }
    return replace(world(values), remembered_tenants=remembered)


def test_a_remembered_tenant_goes_before_a_name_of_dns() -> None:
    assert [("tenant-1", False)] == [(row.id, row.supposed) for row in discover(_seen("tenant-1"), SIT)]
    assert [("tenant1", True)] == [(row.id, row.supposed) for row in discover(_seen(), SIT)]


@pytest.mark.parametrize(("remembered", "expected"), [(("tenant-1",), Status.PASS), ((), Status.UNKNOWN)])
def test_what_is_missing_of_a_tenant_that_dns_alone_shows_is_unknown(
    remembered: tuple[str, ...], expected: Status
) -> None:
    assert expected is judge(checks()["secrets.secret-exists"], _seen(*remembered), SIT).status
