"""The marker's SQL on two real servers: a row in a tenant's schema, seen at its replica, by PHP as WordPress runs it.

MariaDB stands in for MySQL 8.0, which Debian does not have; how the two differ stands in the scripts' own docstring.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.markers import scripts

pytestmark = [pytest.mark.proof, pytest.mark.judge("mariadb")]

SERVERS = Path(os.environ.get("DR_MARIADB", Path(__file__).parents[2] / ".tools" / "mariadb"))
PROGRAMS = {**os.environ, "LD_LIBRARY_PATH": str(SERVERS / "usr/lib/x86_64-linux-gnu")}
PHP = ["usr/bin/php8.4", "-n", "-d", f"extension_dir={SERVERS}/usr/lib/php/20240924", "-d", "extension=mysqlnd"]
GRANTS = (
    "CREATE DATABASE tenant1_db; CREATE USER tenant1@'127.0.0.1' IDENTIFIED BY 'word'; "
    "GRANT ALL ON tenant1_db.* TO tenant1@'127.0.0.1'; CREATE USER copy@'127.0.0.1' IDENTIFIED BY 'word'; "
    "GRANT REPLICATION SLAVE ON *.* TO copy@'127.0.0.1'"
)


@dataclass(frozen=True)
class Server:
    """A MariaDB on loopback, and what a task's script and an administrator do to it."""

    port: int

    def script(self, script: str, **variables: Any) -> subprocess.Popen[str]:
        """Start a script as ECS starts it in a tenant's container."""
        word, file, code = scripts.command(script)
        assert (word, file) == ("php", "-r")
        given = {"DR_SECONDS": 20, "DR_SCHEMA": "tenant1_db", "DR_MARKER": "INC-7/1", **variables}
        env = {"DR_DB_HOST": f"127.0.0.1:{self.port}", "WORDPRESS_DB_USER": "tenant1"}
        env |= {"WORDPRESS_DB_PASSWORD": "word", **{name: str(value) for name, value in given.items()}}
        words = [str(SERVERS / PHP[0]), *PHP[1:], "-d", "extension=mysqli", "-r", code]
        return subprocess.Popen(words, env=PROGRAMS | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ended(self, script: str, **variables: Any) -> tuple[int, dict[str, Any]]:
        """The exit code of a script, and the last line that it printed."""
        return outcome(self.script(script, **variables))

    def root(self, *statements: str) -> None:
        """Let the administrator run statements."""
        code = (
            "$db = new mysqli('127.0.0.1', 'root', 'root', null, (int) getenv('PORT'));"
            "foreach (explode(\"\\0\", file_get_contents('php://stdin')) as $sql) { $db->query($sql); }"
        )
        words = [str(SERVERS / PHP[0]), *PHP[1:], "-d", "extension=mysqli", "-r", code]
        env = PROGRAMS | {"PORT": str(self.port)}
        subprocess.run(words, env=env, input="\0".join(statements), text=True, check=True, capture_output=True)


def outcome(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    out, err = process.communicate(timeout=600)
    return process.returncode, json.loads(out.splitlines()[-1]) if out else {"error": err}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(stack: ExitStack, folder: Path, number: int) -> Server:
    """A new server with its binary log on, as RDS has it while it keeps backups."""
    data, port, first = folder / "data", free_port(), folder / "first.sql"
    first.parent.mkdir(parents=True)
    secret = (
        "CREATE USER root@'127.0.0.1' IDENTIFIED BY 'root'; GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;"
    )
    first.write_text(f"SET SESSION sql_log_bin = 0;\n{secret}\n".replace("; ", ";\n"), encoding="utf-8")
    base = [
        "--no-defaults",
        f"--basedir={SERVERS}/usr",
        f"--datadir={data}",
        f"--lc-messages-dir={SERVERS}/usr/share/mariadb",
    ]
    data.mkdir()
    tables = (SERVERS / "usr/share/mariadb/mariadb_system_tables.sql").read_text(encoding="utf-8")
    bootstrap = [str(SERVERS / "usr/sbin/mariadbd"), *base, "--bootstrap", "--user=root", "--skip-networking"]
    given = f"CREATE DATABASE mysql;\nUSE mysql;\n{tables}"
    subprocess.run(bootstrap, env=PROGRAMS, input=given, text=True, check=True, capture_output=True)
    options = [f"--port={port}", f"--socket={folder}/s", f"--server-id={number}", "--log-bin", "--user=root"]
    more = ["--bind-address=127.0.0.1", f"--init-file={first}", "--skip-name-resolve", "--slave-net-timeout=5"]
    words = [str(SERVERS / "usr/sbin/mariadbd"), *base, *options, *more, f"--plugin-dir={folder}"]
    log = stack.enter_context((folder / "log").open("wb"))
    process = subprocess.Popen(words, env=PROGRAMS, stdout=log, stderr=log)
    stack.callback(process.wait, 30)
    stack.callback(process.terminate)
    until = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as sought:
            if sought.connect_ex(("127.0.0.1", port)) == 0:
                return Server(port)
        time.sleep(0.05)
    raise AssertionError((folder / "log").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """A source and its replica, by GTID."""
    if not (SERVERS / "usr/sbin/mariadbd").exists():
        pytest.fail("There is no MariaDB: run make mariadb")
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        source, replica = (start(stack, folder / name, number) for number, name in enumerate(("a", "b"), 1))
        to = f"MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, MASTER_USER='copy', MASTER_PASSWORD='word'"
        replica.root("SET GLOBAL read_only = 1", f"CHANGE MASTER TO {to}, MASTER_USE_GTID=slave_pos")
        source.root(*GRANTS.split("; "))
        yield source, replica


@pytest.fixture
def both(servers: tuple[Server, Server]) -> tuple[Server, Server]:
    """Source and replica as they are before a move: the one takes writes, the other replicates them."""
    source, replica = servers
    source.root("SET GLOBAL read_only = 0")
    replica.root("START SLAVE")
    return servers


def test_the_marker_counts_until_the_freeze_and_arrives_with_all_writes(
    both: tuple[Server, Server],
) -> None:
    source, replica = both
    writing = source.script(scripts.WRITE, DR_UNTIL="refused", DR_MARKER="INC-7/2")
    assert writing.stdout
    begun = json.loads(writing.stdout.readline())
    assert begun == {"dr_marker": "INC-7/2", "begun": True, "n": 1}
    source.root("SET GLOBAL read_only = 1")
    code, written = outcome(writing)
    assert (code, written["refused"]) == (0, True)
    assert written["n"] >= 1
    assert 0 <= written["gap_ms"] < 5000
    assert written["gtids"].startswith("0-1-")
    wanted = {"DR_MARKER": "INC-7/2", "DR_NUMBER": written["n"], "DR_GTIDS": written["gtids"]}
    found = {"dr_marker": "INC-7/2", "found": True, "n": written["n"], "executed": True}
    code, row = replica.ended(scripts.FIND, **wanted)
    assert (code, row) == (0, found | {"server": row["server"]})
    assert row["server"].endswith("/2"), "the server that was reached, by its number: not the source"


def test_a_replica_stopped_in_the_middle_lacks_it_and_the_gate_holds(
    both: tuple[Server, Server],
) -> None:
    source, replica = both
    assert source.ended(scripts.WRITE, DR_UNTIL="once", DR_MARKER="INC-7/3")[0] == 0
    replica.root("STOP SLAVE")
    code, written = source.ended(scripts.WRITE, DR_UNTIL="once", DR_MARKER="INC-7/3")
    assert (code, written["n"], written["refused"]) == (0, 2, False)
    wanted = {"DR_MARKER": "INC-7/3", "DR_NUMBER": 2, "DR_SECONDS": 1}
    for gtids in ("", written["gtids"]):
        code, found = replica.ended(scripts.FIND, **wanted, DR_GTIDS=gtids)
        assert (code, found["found"], found["executed"]) == (scripts.TIME_IS_OVER, False, not gtids)
        assert found["n"] < 2


def test_the_marker_alone_fails_where_later_transactions_are_missing(both: tuple[Server, Server]) -> None:
    source, replica = both
    code, written = source.ended(scripts.WRITE, DR_UNTIL="once", DR_MARKER="INC-7/4")
    assert (code, replica.ended(scripts.FIND, DR_MARKER="INC-7/4", DR_NUMBER=1)[0]) == (0, 0)
    replica.root("STOP SLAVE")
    source.root("CREATE TABLE tenant1_db.an_order (id INT)")
    code, later = source.ended(scripts.WRITE, DR_UNTIL="once", DR_MARKER="INC-7/5")
    assert later["gtids"] != written["gtids"]
    wanted = {"DR_MARKER": "INC-7/4", "DR_NUMBER": 1, "DR_SECONDS": 1}
    code, found = replica.ended(scripts.FIND, **wanted, DR_GTIDS=later["gtids"])
    assert (code, found["n"], found["executed"]) == (scripts.TIME_IS_OVER, 1, False)
    source.root("DROP TABLE tenant1_db.an_order")


def test_a_frozen_source_refuses_a_write_and_reports_its_transactions(
    both: tuple[Server, Server],
) -> None:
    source, _ = both
    source.root("SET GLOBAL read_only = 1")
    code, written = source.ended(scripts.WRITE, DR_UNTIL="refused", DR_MARKER="INC-7/6")
    assert (code, written["refused"], written["n"], written["gap_ms"]) == (0, True, 0, -1)
    assert written["gtids"]


def test_a_source_that_is_never_frozen_is_no_proof(both: tuple[Server, Server]) -> None:
    code, written = both[0].ended(scripts.WRITE, DR_UNTIL="refused", DR_SECONDS=1)
    assert (code, written["refused"]) == (scripts.TIME_IS_OVER, False)


def test_who_is_not_let_in_proves_nothing_either(both: tuple[Server, Server]) -> None:
    code, answer = both[0].ended(scripts.WRITE, DR_UNTIL="refused", WORDPRESS_DB_PASSWORD="another")
    assert code == 1
    assert "Access denied" in answer["error"]


def test_the_table_is_taken_away_on_both(both: tuple[Server, Server]) -> None:
    source, replica = both
    assert source.ended(scripts.WRITE, DR_UNTIL="once")[0] == 0
    assert source.ended(scripts.REMOVE) == (0, {"dr_marker": "INC-7/1", "removed": True})
    _, written = source.ended(scripts.WRITE, DR_UNTIL="once", DR_MARKER="INC-7/9")
    assert written["n"] == 1
    assert replica.ended(scripts.FIND, DR_MARKER="INC-7/9", DR_NUMBER=1, DR_GTIDS=written["gtids"])[0] == 0
    source.root("DROP TABLE tenant1_db.dr_marker")
