"""The sandbox's speed-ups change when something is computed, and not what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from moto.acm.models import CertBundle
from moto.moto_server import werkzeug_app

from sandbox.moto_ext import speedups


def test_a_service_has_one_application_in_a_process() -> None:
    speedups.install()
    assert werkzeug_app.create_backend_app("sns") is werkzeug_app.create_backend_app("sns")
    assert werkzeug_app.create_backend_app("sns") is not werkzeug_app.create_backend_app("kms")


def test_the_switch_leaves_the_emulator_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_NO_SPEEDUPS", "1")
    monkeypatch.setattr(werkzeug_app, "create_backend_app", plain := lambda service: service)
    speedups.install.__wrapped__()
    assert werkzeug_app.create_backend_app is plain


def test_a_certificate_is_of_its_own_names_and_its_key_is_shared() -> None:
    speedups.install()
    first, second = (
        CertBundle.generate_cert(name, "123456789012", "eu-west-1", sans=[f"*.{name}"])
        for name in ("one.example", "two.example")
    )
    assert first.key == second.key
    assert first.arn != second.arn
    assert (second.common_name, sorted(second.sans)) == ("two.example", ["*.two.example", "two.example"])
    certificate = x509.load_pem_x509_certificate(second.cert)
    assert certificate.serial_number != x509.load_pem_x509_certificate(first.cert).serial_number
    assert second.validate_pk().public_key() == certificate.public_key()
    assert second.describe()["Certificate"]["KeyAlgorithm"] == "RSA_2048"
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA512)


def test_a_certificate_is_issued_though_the_first_one_expired() -> None:
    speedups.install()
    CertBundle.generate_cert("one.example", "123456789012", "eu-west-1")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=400)):
        later = CertBundle.generate_cert("two.example", "123456789012", "eu-west-1")
        assert later.validate_certificate().not_valid_after_utc > datetime.now(UTC)
