"""The marker and the count of a restore test on a real PostgreSQL and its replica, by psql in a shell as a task's."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.markers import psql_scripts, scripts
from dr_estate.model.engines import POSTGRES
from dr_estate.readers import drill_resources, marker_tasks
from tests.proofs.test_freeze_on_postgresql import USER, Server, answer, home, program, ran, session, started

pytestmark = [pytest.mark.proof, pytest.mark.judge("postgres")]

__all__ = ["home"]
LETS_IN = """host all root 127.0.0.1/32 trust
host replication root 127.0.0.1/32 trust
host all shop 127.0.0.1/32 scram-sha-256
"""


class Task(subprocess.Popen[str]):
    """A script as ECS starts it: with what the task definition names, and what the run gives."""

    def __init__(self, server: Server, script: str, **given: Any) -> None:
        word, option, code = psql_scripts.command(script)
        variables = {"DR_SECONDS": 20, "DR_SCHEMA": "postgres", "DR_MARKER": "INC-7/1", "PGPASSWORD": "word", **given}
        env = {"PATH": f"{Path(program('psql')).parent}:{os.environ['PATH']}", "PGUSER": "shop"}
        env |= {"DR_DB_HOST": f"127.0.0.1:{server.port}", **{name: str(value) for name, value in variables.items()}}
        pipe = subprocess.PIPE
        super().__init__([word, option, code], env=env, stdout=pipe, stderr=pipe, text=True, user=USER)

    def outcome(self) -> tuple[int, dict[str, Any]]:
        out, err = self.communicate(timeout=60)
        return self.returncode, json.loads(out.splitlines()[-1]) if out else {"error": err}


def ended(server: Server, script: str, **given: Any) -> tuple[int, dict[str, Any]]:
    return Task(server, script, **given).outcome()


@pytest.fixture(scope="module")
def servers(home: Path) -> Iterator[tuple[Server, Server]]:
    """A server that asks a tenant's user for the password, and its replica."""
    ran("initdb", "-D", str(home / "first"), "-U", "root", "-A", "trust", "--no-sync")
    (home / "first" / "pg_hba.conf").write_text(LETS_IN, encoding="utf-8")
    with ExitStack() as stack:
        first = started(stack, home / "first")
        first.said("CREATE ROLE shop LOGIN PASSWORD 'word'", "GRANT CREATE ON SCHEMA public TO shop", user="root")
        place = ["-h", "127.0.0.1", "-p", str(first.port), "-U", "root", "-D", str(home / "copy"), "-R", "-c", "fast"]
        ran("pg_basebackup", *place)
        yield first, started(stack, home / "copy")


@pytest.fixture
def both(servers: tuple[Server, Server]) -> tuple[Server, Server]:
    """Source and replica as they are before a move: the one takes writes, the other replicates them."""
    source, replica = servers
    source.set_read_only(POSTGRES.writable)
    assert ended(source, psql_scripts.REMOVE)[0] == 0
    replica.said("SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery()", user="root")
    return servers


def stall(replica: Server) -> None:
    """Let the replica go on receiving, and apply nothing: its lag by the last message is nil."""
    replica.said("SELECT pg_wal_replay_pause()", user="root")


def test_the_marker_counts_until_the_freeze_and_arrives_with_all_writes(
    both: tuple[Server, Server],
) -> None:
    source, replica = both
    writing = Task(source, psql_scripts.WRITE, DR_UNTIL="refused")
    assert writing.stdout
    assert json.loads(writing.stdout.readline()) == {"dr_marker": "INC-7/1", "begun": True, "n": 1}
    time.sleep(0.5)
    source.set_read_only("1")
    code, written = writing.outcome()
    report = marker_tasks.report_in("task", json.dumps(written))
    assert report
    assert (code, report.refused, report.number > 1, 0 <= report.gap_ms < 5000) == (0, True, True, True)
    wanted = {"DR_NUMBER": written["n"], "DR_GTIDS": report.gtids}
    code, row = ended(replica, psql_scripts.FIND, **wanted)
    assert (code, row["found"], row["executed"], row["n"]) == (0, True, True, written["n"])
    assert row["server"] != written["server"]


def test_a_stalled_replica_lacks_the_marker_or_later_writes_and_is_held(
    both: tuple[Server, Server],
) -> None:
    source, replica = both
    code, written = ended(source, psql_scripts.WRITE, DR_UNTIL="once")
    assert (code, written["n"], written["refused"], written["gtids"]) == (0, 1, False, "")
    assert ended(replica, psql_scripts.FIND, DR_NUMBER=1)[0] == 0
    stall(replica)
    assert ended(source, psql_scripts.WRITE, DR_UNTIL="once")[1]["n"] == 2
    code, row = ended(replica, psql_scripts.FIND, DR_NUMBER=2, DR_SECONDS=1)
    assert (code, row["found"], row["executed"], row["n"]) == (scripts.TIME_IS_OVER, False, True, 1)


def test_the_marker_alone_fails_where_later_transactions_are_missing(both: tuple[Server, Server]) -> None:
    source, replica = both
    assert ended(source, psql_scripts.WRITE, DR_UNTIL="once")[0] == 0
    assert ended(replica, psql_scripts.FIND, DR_NUMBER=1)[0] == 0
    stall(replica)
    source.said("CREATE TABLE an_order (id INT)", user="root")
    source.set_read_only("1")
    code, frozen = ended(source, psql_scripts.WRITE, DR_UNTIL="refused")
    assert (code, frozen["refused"], frozen["n"], frozen["gap_ms"]) == (0, True, 1, -1)
    code, row = ended(replica, psql_scripts.FIND, DR_NUMBER=1, DR_SECONDS=1, DR_GTIDS=frozen["gtids"])
    assert (code, row["n"], row["executed"], row["found"]) == (scripts.TIME_IS_OVER, 1, False, False)
    code, row = ended(source, psql_scripts.FIND, DR_NUMBER=1, DR_SECONDS=1, DR_GTIDS=frozen["gtids"])
    assert (code, row["executed"]) == (scripts.TIME_IS_OVER, False), "the source itself has replayed nothing"


def test_a_transaction_that_wrote_before_the_freeze_is_awaited(both: tuple[Server, Server]) -> None:
    source, replica = both
    with session(source, user="root") as open_one:
        answer(open_one, "CREATE TABLE orders (id INT); BEGIN; INSERT INTO orders VALUES (1)")
        source.set_read_only("1")
        code, written = ended(source, psql_scripts.WRITE, DR_UNTIL="refused", DR_SECONDS=1)
        assert (code, written["refused"]) == (scripts.TIME_IS_OVER, False)
        answer(open_one, "COMMIT")
    code, written = ended(source, psql_scripts.WRITE, DR_UNTIL="refused")
    assert (code, written["refused"]) == (0, True)
    assert ended(replica, psql_scripts.FIND, DR_GTIDS=written["gtids"])[0] == 0
    assert replica.said("SELECT count(*) FROM orders", user="root").strip() == "1"


def test_a_source_that_is_never_frozen_is_no_proof(both: tuple[Server, Server]) -> None:
    code, written = ended(both[0], psql_scripts.WRITE, DR_UNTIL="refused", DR_SECONDS=1)
    assert (code, written["refused"], written["gtids"]) == (scripts.TIME_IS_OVER, False, "")


def test_who_is_not_let_in_proves_nothing_either(both: tuple[Server, Server]) -> None:
    for script in (psql_scripts.WRITE, psql_scripts.FIND, psql_scripts.REMOVE, psql_scripts.COUNT):
        code, outcome = ended(both[0], script, DR_UNTIL="refused", PGPASSWORD="another")
        assert code == 1
        assert "password authentication failed" in outcome["error"]


def test_no_variable_of_the_definition_leads_elsewhere_or_lifts_the_freeze(both: tuple[Server, Server]) -> None:
    both[0].set_read_only("1")
    own = {"PGOPTIONS": f"-c {POSTGRES.read_only}=off", "PGHOST": "live.example", "PGHOSTADDR": "192.0.2.1"}
    code, written = ended(both[0], psql_scripts.WRITE, DR_UNTIL="once", **own)
    assert (code, written["refused"]) == (0, True)


def test_the_table_is_taken_away_on_both(both: tuple[Server, Server]) -> None:
    source, replica = both
    assert ended(source, psql_scripts.WRITE, DR_UNTIL="once")[0] == 0
    assert ended(source, psql_scripts.REMOVE) == (0, {"dr_marker": "INC-7/1", "removed": True})
    assert ended(source, psql_scripts.FIND, DR_SECONDS=0)[1]["n"] == 0
    assert ended(replica, psql_scripts.FIND, DR_NUMBER=1, DR_SECONDS=1)[1]["n"] == 0


def test_it_counts_what_the_database_holds_analyzed_or_not(both: tuple[Server, Server]) -> None:
    source, question = both[0], {"DR_PROBE": "TRIAL-1", "DR_TENANT": "billing", "DR_SCHEMA": "ledger"}
    source.said("CREATE DATABASE ledger", user="root")
    code, empty = ended(source, psql_scripts.COUNT, **question)
    assert (code, empty["tables"], empty["schema"]) == (1, 0, None)
    tables = ("CREATE TABLE fresh AS SELECT 1", "CREATE TABLE none_yet (id INT)")
    source.said(
        "\\c ledger \\\\ CREATE TABLE orders AS SELECT generate_series(1, 500)", "ANALYZE", *tables, user="root"
    )
    code, row = ended(source, psql_scripts.COUNT, **question)
    found = drill_resources.answer_in("task", json.dumps(row))
    assert code == 0
    assert found
    assert (found.incident, found.tenant, found.schema) == ("TRIAL-1", "billing", "ledger")
    assert (found.host, found.tables, found.rows, bool(found.server)) == ("127.0.0.1", 3, 501, True)


def test_the_replay_position_stays_known_after_promotion_and_own_writes(
    both: tuple[Server, Server],
) -> None:
    source, replica = both
    source.set_read_only("1")
    wanted = ended(source, psql_scripts.WRITE, DR_UNTIL="refused")[1]["gtids"]
    assert ended(replica, psql_scripts.FIND, DR_GTIDS=wanted)[0] == 0
    replica.said("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()", user="root")
    while source.said("SELECT count(*) FROM pg_stat_replication", user="root").strip() != "0":
        time.sleep(0.05)
    source.said("BEGIN READ WRITE; CREATE TABLE late (id INT); COMMIT", user="root")
    later = ended(source, psql_scripts.WRITE, DR_UNTIL="refused")[1]["gtids"]
    replica.said("SELECT pg_promote()", "CREATE TABLE much AS SELECT generate_series(1, 9999)", user="root")
    assert ended(replica, psql_scripts.FIND, DR_GTIDS=wanted)[0] == 0
    assert replica.said("SELECT to_regclass('late')", user="root").strip() == ""
    assert ended(replica, psql_scripts.FIND, DR_GTIDS=later, DR_SECONDS=1)[0] == scripts.TIME_IS_OVER
