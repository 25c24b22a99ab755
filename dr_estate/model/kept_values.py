"""What is kept of a variable's value: itself where it points somewhere, else a digest, and what it leads to. Pure."""

from __future__ import annotations

import hashlib
import re

from dr_estate.model.references import ReferenceKind, references, unregional

DIGEST = "sha256:"
_SECRET_NAME = re.compile(
    r"PASS|SECRET|TOKEN|SALT|CREDENTIAL|PRIVATE|(^|_)(API|AUTH|NONCE|ACCESS|LOGGED_IN)_?KEY", re.IGNORECASE
)
_URL_USER = re.compile(r"//[^/@\s]+@")
_POINTER_NAME = re.compile(
    r"(NAME|DATABASE|SCHEMA|HOST|REGION|HOME|URL|URI|ENDPOINT|BUCKET|TABLE|QUEUE|TOPIC|ARN|DOMAIN|PORT)S?$",
    re.IGNORECASE,
)
_POINTER = re.compile(r".*\b[a-z]{2}(-[a-z]+)+-\d\b.*|[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(:\d+)?", re.DOTALL)


def hidden_references(name: str, value: str, region: str) -> tuple[str, ...]:
    """What a value leads to that is not kept as it is; of one that may be a secret, the names of AWS's own things."""
    if pointer_or_digest(name, value, region) == value:
        return ()
    hidden = (ReferenceKind.HOST, ReferenceKind.ADDRESS) if is_secret(name) else ()
    return tuple(dict.fromkeys(row.written for row in references(value) if row.kind not in hidden))


def is_secret(name: str) -> bool:
    """Whether the name of a plain variable says that it holds a secret."""
    return _SECRET_NAME.search(name) is not None


def points(name: str) -> bool:
    """Whether the name of a field says that it leads somewhere, and not that it holds a secret."""
    return not is_secret(name) and _POINTER_NAME.search(name) is not None


def harmless(name: str, value: str) -> str:
    """The value, or its digest where the name says it is a secret: plain variables do hold passwords now and then."""
    return _digest(value) if is_secret(name) else _URL_USER.sub("//***@", value)


def pointer_or_digest(name: str, value: str, region: str = "") -> str:
    """The value where it points somewhere, by its name or its look; else its digest: it is nobody's business.

    The digest is that of the value without what differs between ``region`` and another, of a URL without its host,
    which stands beside it: a database may have another name in each region.
    """
    shown = harmless(name, value)
    if is_secret(name) or not value:
        return shown
    if (_POINTER_NAME.search(name) or _POINTER.fullmatch(shown)) and "://" not in shown.partition("?")[0]:
        return shown
    scheme, of_url, rest = shown.partition("?")[0].partition("://")
    host, _, path = rest.partition("/")
    value = value.replace(host.rpartition("@")[2], "", 1) if of_url else value
    digest = _digest(unregional(value, region) if region else value)
    if of_url:
        whole = host + (f"/{path}" if not path or _POINTER.fullmatch(path) else f"/{digest}")
        return f"{scheme}://{whole if '/' in rest else host}"
    return digest


def _digest(value: str) -> str:
    return f"{DIGEST}{hashlib.sha256(value.encode()).hexdigest()}"


# A digest of an HTTP header's value, which may be a secret: two are compared, and neither is kept.

_DIGITS = 12


def header_digest(value: str) -> str:
    """The digest of a value. Case does not count: load balancers compare without it (RuleCondition, http-header)."""
    return hashlib.sha256(value.lower().encode()).hexdigest()[:_DIGITS]
