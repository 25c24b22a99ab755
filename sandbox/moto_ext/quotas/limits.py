"""Limits of an account in a region, as Service Quotas reports them."""

from __future__ import annotations

from moto.servicequotas.models import servicequotas_backends

from sandbox.core.patching import refused, state
from sandbox.moto_ext.quotas.quota_table import DEFAULTS, QuotaDefinition


def limit(account: str, region: str, service: str, code: str) -> float:
    """The value of a quota that applies in a region. Raises NoSuchResourceException."""
    default = _default(service, code)
    applied = state(servicequotas_backends[account][region], "quotas_applied")
    # What was asked for; else AWS's default: no account of the sandbox has a history.
    return float(applied.get((service, code), default.value))


def _default(service: str, code: str) -> QuotaDefinition:
    if (service, code) not in DEFAULTS:
        raise refused("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    return DEFAULTS[service, code]
