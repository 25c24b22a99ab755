"""Secrets: the master credentials and one secret a tenant, replicated to the DR region under a multi-Region key.

A replica is read-only and keeps the primary's value, host included (T18): the host is therefore the region-neutral
name that each region's private zone resolves to its own database. Where data is not replicated both regions
have secrets of their own.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from moto.rds.models import rds_backends

from sandbox.core.state import now
from sandbox.moto_ext.data.stored_data import set_password
from sandbox.moto_ext.data.tenant_pages import digest_of
from sandbox.seeding.database import INSTALLED_AGO
from sandbox.seeding.site import Estate, SeedTenant, Site, as_list, internal_zone, tag_map


def build(estate: Estate) -> None:
    """Make the secrets of both regions."""
    env, site = estate.environment, estate.primary
    _secret(estate, "", env.named(env.names.master_secret), _value(estate, site.master_user, site.engine.name))
    for tenant in estate.tenants:
        schema = env.named(env.names.tenant_schema, tenant=tenant.name)
        name = env.named(env.names.tenant_secret, tenant=tenant.name)
        value = _value(estate, f"wp_{tenant.label}", schema)
        _secret(estate, tenant.name, name, value, tenant)
        _let_in(estate, json.loads(value))


def _let_in(estate: Estate, value: dict[str, Any]) -> None:
    """Give the database's user the password, as old as the sites."""
    env = estate.environment
    instance = rds_backends[env.account][estate.primary.region].databases[env.named(env.names.database)]
    set_password(instance, value["username"], digest_of(value["password"]), now() - INSTALLED_AGO)


def _value(estate: Estate, username: str, dbname: str) -> str:
    return json.dumps(
        {
            "engine": estate.primary.engine.name,
            "host": f"db.{internal_zone(estate.environment)}",
            "port": estate.primary.engine.port,
            "username": username,
            # Drawn for each world: no test can depend on a value, and none stands in the source.
            "password": secrets.token_urlsafe(18),
            "dbname": dbname,
        }
    )


def _secret(estate: Estate, key: str, name: str, value: str, tenant: SeedTenant | None = None) -> None:
    primary, dr, env = estate.primary, estate.dr, estate.environment
    tags = as_list(tag_map(env, name, tenant))
    # Two secrets of one name in two regions are strangers to each other: each has a suffix of its own.
    if not env.replicates:
        primary.secrets[key], dr.secrets[key] = (_create(site, name, value, tags) for site in estate.sites)
        return
    copies = [{"Region": dr.region, "KmsKeyId": dr.keys["secrets"]}]
    primary.secrets[key] = _create(primary, name, value, tags, AddReplicaRegions=copies)
    # a replica keeps the name, random suffix included: only the region differs
    dr.secrets[key] = primary.secrets[key].replace(primary.region, dr.region)


def _create(site: Site, name: str, value: str, tags: list[dict[str, str]], **more: Any) -> str:
    response = site.client("secretsmanager").create_secret(
        Name=name, SecretString=value, KmsKeyId=site.keys["secrets"], Tags=tags, **more
    )
    return str(response["ARN"])
