"""Certificates: names in order, who uses them, issued at once in the sandbox, expiring when imported so (T20)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.sandbox.moto_ext.compute import ANSWERS_ANY_HOST, platform
from tests.sandbox.moto_ext.conftest import DR, Clients

NAMES = ["*.shop.example", "shop.example", "origin.shop.example", "a.b.shop.example"]


def test_a_fresh_certificate_is_described_with_its_names_in_order(aws: Clients) -> None:
    acm = aws("acm", DR)
    arn = acm.request_certificate(DomainName=NAMES[0], SubjectAlternativeNames=NAMES[1:], ValidationMethod="DNS")
    certificate = acm.describe_certificate(CertificateArn=arn["CertificateArn"])["Certificate"]
    assert certificate["DomainName"] == NAMES[0]
    assert certificate["SubjectAlternativeNames"] == NAMES
    assert [option["DomainName"] for option in certificate["DomainValidationOptions"]] == NAMES
    assert certificate["NotAfter"] > datetime.now(UTC) + timedelta(days=300)
    assert certificate["Status"] in ("PENDING_VALIDATION", "ISSUED")


@pytest.mark.proof
def test_a_certificate_names_its_listeners_and_cannot_be_deleted_then(aws: Clients) -> None:
    there, acm = platform(aws, DR), aws("acm", DR)
    arn = acm.request_certificate(DomainName="*.shop.example")["CertificateArn"]
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == []
    listener = there.client("elbv2").create_listener(
        LoadBalancerArn=there.balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": arn}],
        DefaultActions=ANSWERS_ANY_HOST,
    )["Listeners"][0]["ListenerArn"]
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == [there.balancer]
    with pytest.raises(ClientError) as refused:
        acm.delete_certificate(CertificateArn=arn)
    assert refused.value.response["Error"]["Code"] == "ResourceInUseException"
    there.client("elbv2").delete_listener(ListenerArn=listener)
    acm.delete_certificate(CertificateArn=arn)
    assert acm.list_certificates()["CertificateSummaryList"] == []


def test_an_imported_certificate_expires_when_it_says(aws: Clients) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "*.shop.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=5))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.shop.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    acm = aws("acm", DR)
    arn = acm.import_certificate(Certificate=certificate.public_bytes(encoding), PrivateKey=private)["CertificateArn"]
    description = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (description["Type"], description["Status"]) == ("IMPORTED", "ISSUED")
    assert acm.list_certificates()["CertificateSummaryList"] == [], "a key of another kind is listed only by its name"
    (listed,) = acm.list_certificates(Includes={"keyTypes": ["EC_prime256v1"]})["CertificateSummaryList"]
    assert listed["CertificateArn"] == arn
    assert timedelta(days=4) < description["NotAfter"] - now < timedelta(days=6)
