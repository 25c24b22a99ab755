"""The shared database instance, its copies in the DR region, and the name by which everybody reaches it.

The name. A replica of a secret keeps what the primary wrote (T18), so secrets hold ``db.<environment>.internal``: each
region's VPC sees its own private zone of that name, in which ``db`` is a CNAME to the region's own database. Task
definitions name the database of their own region. In the DR region that is the endpoint the restored instance will
have: endpoints are built from the instance's name, the account and the region, so restoring under the same name gives
exactly this endpoint.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from moto.rds.models import rds_backends

from dr_estate.config.environment import Side
from dr_estate.model.engines import MARIADB, MYSQL, POSTGRES
from sandbox.core.state import now
from sandbox.moto_ext.data.stored_data import install_schema
from sandbox.seeding.site import Estate, Site, as_list, tag_map

RETENTION_DAYS = 7
# Older than each retention of backups: no point in time lies before the sites.
INSTALLED_AGO = timedelta(days=60)


@dataclass(frozen=True)
class SeedEngine:
    """How an estate of an engine is built: its parameter group's family and values, version, licence and logs."""

    family: str
    version: str
    licence: str
    logs: tuple[str, ...]
    parameters: Mapping[str, str]


# ROW, so that a replica and a restore to a point in time follow each change (RDS guide, MySQL binary logging).
_BINARY_LOG = {"max_connections": "2000", "binlog_format": "ROW", "log_bin_trust_function_creators": "1"}
SEEDED = {
    MYSQL: SeedEngine("mysql8.0", "8.0.40", "general-public-license", ("error", "slowquery"), _BINARY_LOG),
    MARIADB: SeedEngine("mariadb10.11", "10.11.9", "general-public-license", ("error", "slowquery"), _BINARY_LOG),
    POSTGRES: SeedEngine(
        "postgres16",
        "16.4",
        "postgresql-license",
        ("postgresql", "upgrade"),
        {"max_connections": "500", "rds.force_ssl": "1", "log_min_duration_statement": "1000"},
    ),
}


def build(estate: Estate) -> None:
    """Make parameter and subnet groups in both regions, the instance in the primary, and what copies it."""
    for site in estate.sites:
        _groups(site)
    instance = _instance(estate.primary)
    estate.primary.database_host = instance["Endpoint"]["Address"]
    # Each tenant's schema is older than anything that copies the database.
    env, region = estate.environment, estate.primary.region
    db_instance = rds_backends[env.account][region].databases[env.named(env.names.database)]
    for tenant in estate.tenants:
        schema = env.named(env.names.tenant_schema, tenant=tenant.name)
        install_schema(db_instance, schema, tenant.name, now() - INSTALLED_AGO)
    # As long as nothing is restored the name leads nowhere: RDS gives the endpoint to the instance of that name.
    account_part = estate.primary.database_host.partition(".")[2].replace(estate.primary.region, estate.dr.region)
    estate.dr.database_host = f"{estate.dr.environment.database_on(Side.DR)}.{account_part}"
    if estate.environment.replicates:
        _copies(estate, instance["DBInstanceArn"])


def _groups(site: Site) -> None:
    env, rds = site.environment, site.client("rds")
    parameters = env.named(env.names.db_parameter_group)
    rds.create_db_parameter_group(
        DBParameterGroupName=parameters,
        DBParameterGroupFamily=SEEDED[site.engine].family,
        Description=f"WordPress on {site.engine.title}",
        Tags=as_list(tag_map(env, parameters)),
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName=parameters,
        Parameters=[
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
            for name, value in SEEDED[site.engine].parameters.items()
        ],
    )
    subnets = env.named(env.names.db_subnet_group)
    rds.create_db_subnet_group(
        DBSubnetGroupName=subnets,
        DBSubnetGroupDescription="Database subnets in three zones",
        SubnetIds=site.data_subnets,
        Tags=as_list(tag_map(env, subnets)),
    )


def _instance(site: Site) -> dict[str, Any]:
    env, engine = site.environment, SEEDED[site.engine]
    name = env.named(env.names.database)
    response = site.client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.r6g.large",
        Engine=site.engine.name,
        EngineVersion=engine.version,
        LicenseModel=engine.licence,
        # gp3 below 400 GiB has 3,000 IOPS that cannot be raised (RDS guide, gp3 storage).
        AllocatedStorage=200,
        StorageType="gp3",
        StorageEncrypted=True,
        KmsKeyId=site.keys["rds"],
        MasterUsername=site.master_user,
        MasterUserPassword=secrets.token_urlsafe(24),
        BackupRetentionPeriod=RETENTION_DAYS,
        # Ends where the daily rule of AWS Backup begins: a job in it, or in the hour before it, waits.
        PreferredBackupWindow="01:00-01:30",
        MultiAZ=True,
        PubliclyAccessible=False,
        DeletionProtection=True,
        CopyTagsToSnapshot=True,
        # Two regions that upgrade by themselves can be of different versions on the day of a recovery.
        AutoMinorVersionUpgrade=False,
        DBParameterGroupName=env.named(env.names.db_parameter_group),
        DBSubnetGroupName=env.named(env.names.db_subnet_group),
        VpcSecurityGroupIds=[site.groups["database"]],
        EnableCloudwatchLogsExports=list(engine.logs),
        Tags=as_list(tag_map(env, name, data=True)),
    )
    instance: dict[str, Any] = response["DBInstance"]
    return instance


def _copies(estate: Estate, source: str) -> None:
    """Start the mechanism the environment prefers; AWS Backup copies are made for every environment that replicates."""
    env, rds = estate.dr.environment, estate.dr.client("rds")
    name = env.named(env.names.database)
    # The first that the environment names is the mechanism of choice; the others stand behind it.
    if env.replication.database[:1] == ("read-replica",):
        rds.create_db_instance_read_replica(
            DBInstanceIdentifier=name,
            SourceDBInstanceIdentifier=source,
            SourceRegion=estate.primary.region,
            KmsKeyId=estate.dr.keys["rds"],
            DBSubnetGroupName=env.named(env.names.db_subnet_group),
            # A replica in another region takes the default group where none is named (API_CreateDBInstanceReadReplica).
            DBParameterGroupName=env.named(env.names.db_parameter_group),
            VpcSecurityGroupIds=[estate.dr.groups["database"]],
            MultiAZ=True,
            DeletionProtection=True,
            EnableCloudwatchLogsExports=list(SEEDED[estate.dr.engine].logs),
            Tags=as_list(tag_map(env, name, data=True)),
        )
        # a replica begins without backups of its own
        rds.modify_db_instance(DBInstanceIdentifier=name, BackupRetentionPeriod=RETENTION_DAYS, ApplyImmediately=True)
    elif "automated-backup" in env.replication.database:
        # Asked of the region that gets the backups, with a key of that region (T24).
        rds.start_db_instance_automated_backups_replication(
            SourceDBInstanceArn=source,
            BackupRetentionPeriod=RETENTION_DAYS,
            KmsKeyId=estate.dr.keys["rds"],
            SourceRegion=estate.primary.region,
        )
