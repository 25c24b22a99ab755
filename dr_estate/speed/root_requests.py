"""Requests to the root of a service, as nearly all reads are, signed by AWS's signature version 4.

What is signed is what botocore signs. Botocore writes the canonical form from a prepared request that it prepares again
for each part of the form, and derives the key of a day, region and service for each call.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from botocore.auth import SIGV4_TIMESTAMP
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import get_current_datetime

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_METHOD, _ROOTS = "POST", ("", "/")


class RootSigner:
    """Signs requests to the root of ``endpoint_url``, whose header of the host is ``host``. Thread-safe."""

    def __init__(self, endpoint_url: str, host: str, service: str, region: str) -> None:
        self._service, self._region = service, region
        self._is_root = urlsplit(endpoint_url).path in _ROOTS and not urlsplit(endpoint_url).query
        self._url, self._host = f"{endpoint_url.rstrip('/')}/", host
        self._derived: tuple[tuple[str, str], bytes] = (("", ""), b"")

    def signs(self, words: dict[str, Any]) -> bool:
        """Whether the serialised request ``words`` is one that this signer knows."""
        is_plain = words["url_path"] == "/" and not words["query_string"] and "host_prefix" not in words
        return self._is_root and is_plain and words["method"] == _METHOD

    def signed_request(self, words: dict[str, Any], agent: str, keys: ReadOnlyCredentials) -> AWSPreparedRequest:
        """The request ``words`` as it is sent."""
        body = words["body"]
        if isinstance(body, dict):
            body = urlencode(body, doseq=True)
        content = body.encode() if isinstance(body, str) else body
        moment = get_current_datetime().strftime(SIGV4_TIMESTAMP)
        headers = {**words["headers"], "X-Amz-Date": moment}
        if keys.token:
            headers["X-Amz-Security-Token"] = keys.token
        canonical = {name.lower(): " ".join(str(value).split()) for name, value in headers.items()}
        canonical["host"] = self._host
        names = sorted(canonical)
        signed = ";".join(names)
        lines = [f"{name}:{canonical[name]}" for name in names]
        digest = hashlib.sha256(content).hexdigest()
        whole = "\n".join([_METHOD, "/", "", *lines, "", signed, digest])
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(whole.encode()).hexdigest()}"
        signature = hmac.digest(self._key(keys.secret_key, moment[:8]), text.encode(), "sha256").hex()
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"
        )
        headers |= {"User-Agent": agent, "Content-Length": str(len(content))}
        return AWSPreparedRequest(_METHOD, self._url, headers, content, False, {})

    def _key(self, secret: str, day: str) -> bytes:
        known, key = self._derived
        if known != (secret, day):
            key = f"AWS4{secret}".encode()
            for word in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, word.encode(), "sha256")
            self._derived = (secret, day), key
        return key
