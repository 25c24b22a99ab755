"""Faster replacements of parts of moto and botocore; DR_NO_SPEEDUPS=1 leaves both as they are.

Each computes once what cannot change while a process runs: models, folders of a package, routes. docs/why.md measures.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dr_estate.aws.speedups import FastFiles, are_on

_ISSUED_FOR = timedelta(days=365)


@functools.cache
def install() -> None:
    """Speed up the emulator and all botocore sessions of this process. Idempotent."""
    if not are_on():
        return
    import botocore.session
    from botocore.loaders import Loader
    from moto.acm.models import CertBundle
    from moto.core import loaders, responses, utils
    from moto.kms import models as kms
    from moto.moto_server import werkzeug_app

    Loader.FILE_LOADER_CLASS = FastFiles
    _replace(botocore.session, "create_loader", functools.cache)
    _replace(loaders, "create_loader", functools.cache)
    _replace(utils, "create_loader", lambda _: loaders.create_loader)
    _replace(werkzeug_app.DomainDispatcherApplication, "get_backend_for_host", functools.cache)  # it lists folders
    _replace(werkzeug_app, "create_backend_app", functools.cache)
    _replace(kms, "generate_private_key", _share_symmetric)
    _replace(responses, "method_names_from_class", functools.cache)  # asked for each request
    _replace(responses, "camelcase_to_underscores", functools.cache)
    _replace(CertBundle, "validate_pk", _read_keys_once)
    _replace(CertBundle, "generate_cert", _share_key)


def _replace(owner: Any, name: str, by: Callable[[Any], Any]) -> None:
    setattr(owner, name, by(getattr(owner, name)))


def _share_symmetric(new_pair: Callable[[str], Any]) -> Callable[[str], Any]:
    """Let all symmetric keys have one key pair: KMS signs nothing with it."""
    shared = functools.cache(new_pair)
    return lambda key_spec: (shared if key_spec == "SYMMETRIC_DEFAULT" else new_pair)(key_spec)


def _read_keys_once(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let each private key be checked once: that takes as long as fifty calls."""
    keys: dict[bytes, Any] = {}

    def validate_pk(self: Any) -> Any:
        if self.key not in keys:
            keys[self.key] = read(self)
        return keys[self.key]

    return validate_pk


def _share_key(generate: Callable[..., Any]) -> Any:
    """Let all certificates that ACM issues have the key pair of the first: nothing is encrypted with it."""
    first = functools.cache(lambda: generate("example.com", "123456789012", "us-east-1"))

    def generate_cert(
        domain_name: str,
        account_id: str,
        region: str,
        sans: list[str] | None = None,
        cert_authority_arn: str | None = None,
    ) -> Any:
        from moto.acm.models import IPV4_REGEX

        names = sorted({domain_name, *(sans or [])})
        if cert_authority_arn is not None or any(map(IPV4_REGEX.match, names)):
            return generate(domain_name, account_id, region, sans, cert_authority_arn)
        issued = first()
        certificate = _certificate(issued, domain_name, names)
        kind = {"cert_type": issued.type, "cert_status": issued.status}
        return type(issued)(account_id, certificate, issued.key, region=region, **kind)

    return generate_cert


def _certificate(issued: Any, domain_name: str, names: list[str]) -> bytes:
    """A certificate for these names, of the issuer and the key of another one."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from moto.core.utils import utcnow

    key, like = issued.validate_pk(), x509.load_pem_x509_certificate(issued.cert)  # which may have expired since
    common_name = x509.NameOID.COMMON_NAME
    others = [part for part in like.subject if part.oid != common_name]
    subject = x509.Name([*others, x509.NameAttribute(common_name, domain_name)])
    serial, now = x509.random_serial_number(), utcnow()
    builder = x509.CertificateBuilder(like.issuer, subject, key.public_key(), serial, now, now + _ISSUED_FOR)
    builder = builder.add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, names)]), critical=False)
    return builder.sign(key, hashes.SHA512()).public_bytes(serialization.Encoding.PEM)
