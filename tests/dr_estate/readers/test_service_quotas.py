"""What counts against a quota is asked for in full."""

from __future__ import annotations

from typing import Any, cast

from dr_estate.readers import service_quotas
from dr_estate.reading.reader import ReadContext


class Lister:
    """Lists certificates as ACM does: of the kinds of key that are named, else of RSA up to 2,048 bits."""

    certificates = ("RSA_2048", "RSA_4096", "EC_prime256v1")

    def pages(self, _service: str, _operation: str, _key: str, **params: Any) -> list[str]:
        kinds = params.get("Includes", {}).get("keyTypes", ["RSA_1024", "RSA_2048"])
        return [kind for kind in self.certificates if kind in kinds]


def test_certificates_of_every_kind_of_key_count() -> None:
    assert service_quotas.certificates.read(cast("ReadContext", Lister())) == len(Lister.certificates)
