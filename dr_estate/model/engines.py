"""What differs between the engines of RDS that this tool moves: the port, and how an instance refuses writes.

``ENGINES`` is the one table; an engine that is not in it is refused by name (``supported.database``). An instance is
known by its engine, a parameter group by its family: ``mysql8.0``, ``postgres16``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAME = re.compile(r"[a-z]+")
# How AWS and people write a parameter that is on.
_ON = ("1", "on", "true")


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine: ``read_only`` is the dynamic parameter that lets an instance refuse writes, ``writable`` its value
    with which one takes them.

    ``major_numbers``: how many numbers of a version are its major one.
    ``strict``: no session of a tenant's user can write in spite of it. ``psql``: markers and counts are asked by the
    task definition names.psql_task (``dr_actions.actions.markers.psql_scripts``), not by PHP in a tenant's own.
    """

    name: str
    title: str
    port: int
    read_only: str
    writable: str
    major_numbers: int = 2
    strict: bool = True
    psql: bool = False

    def refuses_writes(self, parameters: Iterable[tuple[str, str]]) -> bool:
        """Whether an instance with these parameters of its group refuses writes."""
        return is_on(dict(parameters).get(self.read_only))


# The default of RDS for MySQL and MariaDB is a formula: read-only while the instance is a replica, writable once
# promoted. PostgreSQL's parameter is the default of each new transaction, so that a session may ask for another; a
# replica of PostgreSQL refuses writes whatever it says. Sources: RDS User Guide, "Parameters for MySQL DB instances",
# "Working with parameters on your RDS for PostgreSQL DB instance"; PostgreSQL 16, "Client Connection Defaults".
MYSQL = Engine("mysql", "MySQL", 3306, "read_only", "{TrueIfReplica}")
MARIADB = Engine("mariadb", "MariaDB", 3306, "read_only", "{TrueIfReplica}")
POSTGRES = Engine("postgres", "PostgreSQL", 5432, "default_transaction_read_only", "0", 1, strict=False, psql=True)
ENGINES = {engine.name: engine for engine in (MYSQL, MARIADB, POSTGRES)}


def is_on(value: str | None) -> bool:
    """Whether a parameter of this value is on."""
    return (value or "").lower() in _ON


def engine_of(name: str) -> Engine:
    """The engine of an instance's engine or a group's family; MySQL's ways where the name says none that is known."""
    found = _NAME.match(name)
    return ENGINES.get(found[0] if found else "", MYSQL)
