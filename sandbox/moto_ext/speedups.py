"""Faster replacements of parts of moto and botocore; DR_NO_SPEEDUPS=1 leaves both as they are.

Each computes once what cannot change while a process runs: models, folders of a package, routes, and the names by which
the members of an answer are looked for. Answers in XML are written without xmltodict.
"""

from __future__ import annotations

import functools
import gzip
import os
import re
import string
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

# As moto's own certificates.
_ISSUED_FOR = timedelta(days=365)
_XML_NAME = re.compile(r"[A-Za-z_][\w.:-]*")
_ABSENT = object()


@functools.cache
def install() -> None:
    """Speed up the emulator and all botocore sessions of this process. Idempotent."""
    if os.environ.get("DR_NO_SPEEDUPS"):
        return
    import botocore.session
    from botocore.loaders import JSONFileLoader
    from moto.acm.models import CertBundle
    from moto.core import loaders, responses, serialize, utils
    from moto.core.base_backend import BackendDict
    from moto.kms import models as kms
    from moto.moto_api._internal.moto_random import MotoRandom
    from moto.moto_server import werkzeug_app

    # orjson reads a service model several times faster than json.
    _replace(JSONFileLoader, "load_file", lambda _: _load_file)
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
    _replace(serialize.ResponseSerializer, "get_value", _pick_by_known_names)
    _replace(serialize, "xmltodict", lambda library: SimpleNamespace(unparse=_write_xml(library.unparse)))
    _replace(MotoRandom, "get_random_string", lambda _: _random_string)
    # Not equal by content: comparing two would compare all that they hold.
    _replace(BackendDict, "__eq__", lambda _: _is_same)  # asked eighteen times a look-up


def _load_file(_: Any, file_path: str) -> Any:
    """The content of ``file_path`` with the ending .json or .json.gz; None where there is neither."""
    for path, opened in ((Path(f"{file_path}.json"), open), (Path(f"{file_path}.json.gz"), gzip.open)):
        if path.is_file():
            with opened(path, "rb") as file:
                # A plain dict keeps the order of members, which the models are read in.
                return orjson.loads(file.read())
    return None


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
        # What differs from an ordinary certificate is left to moto.
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


def _pick_by_known_names(get_value: Callable[..., Any]) -> Any:
    """Look for a member by names that are found once for each shape and class: that is most of an answer's cost."""
    from moto.core.serialize import AttributePickerContext, XFormedAttributePicker

    from sandbox.core.patching import MemberPicker

    @functools.wraps(get_value)
    def pick(self: Any, value: Any, key: str, shape: Any) -> Any:
        picker = self._value_picker
        # By exact type: a picker of another kind may look elsewhere.
        kind, transformers = type(picker), getattr(picker, "response_transformers", None)
        if kind not in (MemberPicker, XFormedAttributePicker) or (transformers and _may_change(transformers, key)):
            return get_value(self, value, key, shape)
        if kind is MemberPicker and type(value) is dict and not transformers:
            return value.get(key)
        names_of = vars(shape).setdefault("known_names", {})  # ends with its shape; each member has one of its own
        names = names_of.get((type(value), key))
        if names is None:
            context = AttributePickerContext(value, key, shape, self.operation_model, self.service_model)
            names = names_of[type(value), key] = tuple(picker.get_possible_keys(context))
        return _first(value, names)

    return pick


def _may_change(transformers: dict[str, Any], key: str) -> bool:
    return any(key.endswith(path.rpartition(".")[2]) for path in transformers)


def _first(value: Any, names: tuple[str, ...]) -> Any:
    """What ``value`` has by the first of ``names`` that it knows, or None."""
    from moto.core.utils import get_value

    if type(value) is dict:  # which has no aliases of its own, so that no name is a path
        return next((value[name] for name in names if name in value), None)
    return next((found for name in names if (found := get_value(value, name, _ABSENT)) is not _ABSENT), None)


def _write_xml(unparse: Callable[..., str]) -> Callable[..., str]:
    def write(body: dict[str, Any], **how: bool) -> str:
        """Write ``body`` as xmltodict does, which validates the name of each element every time."""
        whole = how.get("full_document") is True
        parts: list[str] = ['<?xml version="1.0" encoding="utf-8"?>\n'] if whole else []
        known = how == {"full_document": whole, "short_empty_elements": True, "pretty": False}
        known = known and not (whole and (len(body) != 1 or isinstance(body[next(iter(body))], list)))
        written = known and all(_write_element(parts.append, *item) for item in body.items())
        # Half written is not used: xmltodict writes the whole.
        return "".join(parts) if written else unparse(body, **how)

    return write


def _write_element(write: Callable[[str], None], name: Any, value: Any) -> bool:
    """Write ``value`` as elements called ``name``. Returns False where only xmltodict knows how."""
    if type(name) is not str or not _is_xml_name(name):
        return False
    return all(_write_one(write, name, item) for item in (value if type(value) is list else (value,)))


def _write_one(write: Callable[[str], None], name: str, value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        return _write_members(write, name, value)
    if kind not in (str, int, float, bool, type(None)):
        return False
    text = "" if value is None else str(value).lower() if kind is bool else escape(str(value))
    write(f"<{name}>{text}</{name}>" if text else f"<{name}/>")
    return True


def _write_members(write: Callable[[str], None], name: str, members: dict[Any, Any]) -> bool:
    start, children = name, []
    for key, member in members.items():
        if type(key) is str and key.startswith("@"):
            if type(member) is not str or not _is_xml_name(key[1:]):
                return False
            start += f" {key[1:]}={quoteattr(member)}"
        elif member != []:  # an empty list is no element
            children.append((key, member))
    if not children:
        write(f"<{start}/>")
        return True
    write(f"<{start}>")
    written = all(_write_element(write, *child) for child in children)
    write(f"</{name}>")
    return written


@functools.cache
def _is_xml_name(name: str) -> bool:
    return _XML_NAME.fullmatch(name) is not None


def _is_same(self: Any, other: object) -> bool:
    return self is other


def _random_string(self: Any, length: int = 20, include_digits: bool = True, lower_case: bool = False) -> str:
    pool = string.ascii_letters + (string.digits if include_digits else "")
    drawn = "".join(self.choices(pool, k=length))
    return drawn.lower() if lower_case else drawn
