"""How botocore pages an operation: which members of an answer promise more, and which of a request ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.exceptions
import botocore.session

from dr_estate.speed.declared_models import PAGED


@cache
def paginator(operation: str) -> Mapping[str, Any]:
    """botocore's own description of ``service:Operation``, else the product's; empty where it is not paged."""
    service, _, name = operation.partition(":")
    try:
        return dict(_session().get_paginator_model(service).get_paginator(name))
    except (ValueError, botocore.exceptions.UnknownServiceError, botocore.exceptions.DataNotFoundError):
        return dict(PAGED.get(service, {}).get(name, {}))


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()  # making one costs as much as twenty calls


def tokens(operation: str) -> frozenset[str]:
    """The members of an answer that say that there is more."""
    how = paginator(operation)
    found = [*listed(how.get("output_token")), *listed(how.get("more_results"))]
    return frozenset(name.rpartition(".")[2] for path in found for name in path.split(" || "))


def listed(value: Any) -> list[str]:
    """The names as a list: botocore writes a single one without."""
    return [] if value is None else value if isinstance(value, list) else [value]
