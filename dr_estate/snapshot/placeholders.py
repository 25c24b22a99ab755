"""Stable placeholders for what names an estate, so that a bundle may leave the account. Pure, but for a random key.

A text is taken apart at everything that is no letter or digit. A token stays if it is public: a word of this product's
own source, of a shipped base or of botocore's models, a region, a short number. Every other token becomes another one
of its kind, the same one wherever it stands in the bundle: names that are built of parts still match, and so does the
environment file.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session

_ROOMS = ("dr_estate", "dr_checks")
_TOKEN = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])"
)
_HEX = re.compile(r"(?=.*\d)[0-9a-f]{8,}")
_SHORT_NUMBER, _SHORT_WORD = 5, 2
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Placeholders:
    """One bundle's mapping. ``public`` are the tokens that stay (lower case); ``key`` makes the rest unguessable."""

    public: frozenset[str]
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _replaced: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def text(self, text: str) -> str:
        """The text with placeholders."""
        # of the texts that AWS answers nine in ten are repeated: the names of members, ARNs, times
        if text not in self._replaced:
            parts, end = [], 0
            for found in _ADDRESS.finditer(text):
                address = self._address(found[0])
                if address is not None:
                    parts += [_TOKEN.sub(self._token, text[end : found.start()]), address]
                    end = found.end()
            self._replaced[text] = "".join([*parts, _TOKEN.sub(self._token, text[end:])])
        return self._replaced[text]

    def value(self, value: Any) -> Any:
        """A value of JSON with placeholders in every string, keys included; numbers and times stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        if isinstance(value, dict):
            if "__bytes__" in value:  # what cannot be read as text cannot be searched for names: nothing of it leaves
                return {"__bytes__": ""}
            return {self.text(key): self.value(inner) for key, inner in value.items()}
        return value

    def _token(self, found: re.Match[str]) -> str:
        token = found[0]
        if token.lower() in self.public or re.fullmatch(r"\d{1,2}T\d{2}|\d{2,9}Z", token) is not None:
            return token
        # Account ids, ports and counts are digits: a short number names nobody, and readers judge by it.
        if token.isdigit():
            return token if len(token) <= _SHORT_NUMBER else self._digits(token)
        if _HEX.fullmatch(token):
            return self._digest(token)[: len(token)].ljust(len(token), "0")
        if len(token) <= _SHORT_WORD:
            return token
        number, word = int(self._digest(token.lower()), 16), ""
        for _ in range(min(max(len(token), 6), 12)):
            number, rest = divmod(number, len(_ALPHABET))
            word += _ALPHABET[rest]
        return word.upper() if token.isupper() else word.capitalize() if token[0].isupper() else word

    def _digest(self, token: str) -> str:
        return hmac.new(self.key, token.encode(), hashlib.sha256).hexdigest()

    def _digits(self, token: str) -> str:
        return str(int(self._digest(token), 16))[: len(token)].ljust(len(token), "0")

    def _address(self, text: str) -> str | None:
        """A public address as one of documentation's (RFC 5737, RFC 3849); a private one stays. None: no address."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return None
        # A private address says which network it belongs to, which the checks compare; it leads nobody anywhere.
        if not address.is_global:
            return text
        digest = self._digest(text)
        if isinstance(address, ipaddress.IPv4Address):
            return f"198.51.100.{int(digest[:2], 16)}"
        return f"2001:db8::{digest[:4]}:{digest[4:8]}"


@cache
def public_words(operations: frozenset[str]) -> frozenset[str]:
    """What says nothing of an estate: words of this product and of AWS's models, regions, time zones."""
    root = Path(__file__).parents[2]
    words = set(_words(path.read_text("utf-8") for room in _ROOMS for path in (root / room).rglob("*.py")))
    words |= set(_words(path.read_text("utf-8") for path in (root / "environments").glob("*.base.toml")))
    session = botocore.session.Session()
    for service in sorted({name.partition(":")[0] for name in operations}):
        model = session.get_service_model(service)
        for shape in (model.shape_for(name) for name in model.shape_names):
            words |= {*_words(getattr(shape, "enum", ())), *_words(getattr(shape, "members", ()))}
        words |= set(_words([service, model.endpoint_prefix, model.signing_name]))
    words |= set(_words(zoneinfo.available_timezones()))
    for partition in session.get_available_partitions():
        words |= set(_words(session.get_available_regions("ec2", partition_name=partition)))
    return frozenset(words)


def _words(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        yield from (token.lower() for token in _TOKEN.findall(text) if not _HEX.fullmatch(token))
