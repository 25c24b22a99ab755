"""What of a move's markers is in the world at this moment: rows, files and items, by region."""

from __future__ import annotations

from collections.abc import Iterator

from moto.dynamodb.models import dynamodb_backends
from moto.efs.models import efs_backends
from moto.rds.models import rds_backends

from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.data.stored_data import MARKER

# The attribute that the tool's marker items bear; their keys are those of the table.
ITEM = "dr_marker"


def remains(account: str, regions: tuple[str, ...]) -> dict[str, list[str]]:
    """The stores of each region in which a marker is seen: ``database x``, ``files fs-1 tenant1`` or ``table x``."""
    return {region: sorted(set(_of_region(account, region))) for region in regions}


def _of_region(account: str, region: str) -> Iterator[str]:
    for instance in rds_backends[account][region].databases.values():
        if any(row.id.startswith(MARKER) for row in stored_data.rows_of(instance)):
            yield f"database {instance.db_instance_identifier}"
    files = efs_backends[account][region]
    for system in files.file_systems_by_id.values():
        for row in stored_data.files_of(files, system.file_system_id):
            if row.id.startswith(MARKER):
                yield f"files {system.file_system_id} {row.tenant}"
    for table in dynamodb_backends[account][region].tables.values():
        if any(ITEM in item.attrs for item in table.all_items()):
            yield f"table {table.name}"
