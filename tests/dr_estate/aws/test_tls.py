"""Over real TLS: the issuers that a client trusts are read once, and what none of them signed is refused each time."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import SSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.speed.connections import SharedConnections
from tests.dr_checks.worlds import SIT

SOON_S = 0.01  # a server that is to end looks for that so often, by itself twice a second
_CALLER = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Arn>arn:aws:sts::%s:assumed-role/reader/me</Arn><UserId>me</UserId><Account>%s</Account>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
) % ((SIT.account.encode(),) * 2)


class _Caller(BaseHTTPRequestHandler):
    """Answers as STS does, and closes the connection, as HTTP/1.0 has it."""

    server: _Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response_only(200)
        self.server.answered += 1
        self.send_header("content-length", str(self.server.says))
        self.end_headers()
        self.wfile.write(_CALLER[: self.server.sends])

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class _Server(ThreadingHTTPServer):
    """``says`` is how long it says that its answers are, ``sends`` how much of each it sends."""

    says = sends = len(_CALLER)
    answered = 0


@dataclass(frozen=True)
class _TlsServer:
    url: str
    http: _Server
    issuers: Path
    strangers: Path


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for this machine that is its own issuer, and its key."""
    key, subject, now = ec.generate_private_key(ec.SECP256R1()), x509.NameAttribute(NameOID.COMMON_NAME, name), _now()
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(x509.Name([subject]), x509.Name([subject]), key.public_key(), 1)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, secret


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[_TlsServer]:
    certificate, key = _certificate(tmp_path, "sts")
    strangers, _ = _certificate(tmp_path, "stranger")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    http = _Server(("127.0.0.1", 0), _Caller)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, args=(SOON_S,))
    thread.start()
    yield _TlsServer(f"https://127.0.0.1:{http.server_port}", http, certificate, strangers)
    http.shutdown()
    thread.join()
    http.server_close()


def _client(server: _TlsServer) -> ReadClient:
    limits = SIT.observation.model_copy(update={"attempts": 1})
    environment = SIT.model_copy(update={"observation": limits})
    return ReadClient(environment, (), Credentials(server.url, "AKIDTLS", "none"))


def _asks(client: ReadClient) -> bool:
    try:
        return bool(client.prove_account().account == SIT.account)
    except DataUnavailable:
        return False


def test_a_server_that_no_known_issuer_signed_is_refused_each_time(
    server: _TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(server.strangers))
    client = _client(server)
    assert [_asks(client) for _ in range(3)] == [False] * 3


def test_issuers_that_cannot_be_read_are_no_issuers(server: _TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again: a file that was repaired meanwhile counts."""
    issuers = server.issuers.read_bytes()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(server.issuers))
    server.issuers.write_text("no certificate")
    client = _client(server)
    assert not _asks(client)
    server.issuers.write_bytes(issuers)
    client.open()
    assert _asks(client)


@pytest.mark.parametrize(("issuers", "host"), [("strangers", "127.0.0.1"), ("issuers", "localhost"), ("issuers", "")])
def test_shared_connections_trust_as_botocores_do(
    server: _TlsServer, monkeypatch: pytest.MonkeyPatch, issuers: str, host: str
) -> None:
    """The certificate is of an issuer that is trusted, and of the host that was asked for."""
    monkeypatch.setenv("DR_NO_SPEEDUPS", "")
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    own = SharedConnections(botocore.session.Session(), str(getattr(server, issuers)))
    url = server.url.replace("127.0.0.1", host or "127.0.0.1")
    request = AWSRequest("POST", url, data=b"who").prepare()
    if host:
        with pytest.raises(SSLError):
            own.send(request, 5, 5)
    else:
        answer = own.send(request, 5, 5)
        assert answer is not None
        assert answer.content == _CALLER


def test_a_server_that_botocore_does_not_trust_is_refused(server: _TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    assert not _asks(_client(server))


@pytest.mark.parametrize("counted", [True, False], ids=["the length is of the whole", "the length is counted again"])
def test_half_an_answer_over_tls_is_asked_for_again_and_then_none(
    server: _TlsServer, monkeypatch: pytest.MonkeyPatch, counted: bool
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(server.issuers))
    server.http.sends = len(_CALLER) // 2
    server.http.says = len(_CALLER) if counted else server.http.sends
    assert not _asks(_client(server))
    assert server.http.answered == 4, "each region is asked, twice"
