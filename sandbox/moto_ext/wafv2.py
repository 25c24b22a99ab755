"""WAF: an update replaces the whole web ACL, so that one without rules leaves none (API_UpdateWebACL).

The emulator keeps the former rules, which hides an ACL that somebody emptied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.wafv2.models import FakeRule, FakeWebACL

from sandbox.core.patching import wrap


@wrap(FakeWebACL, "update")
def _update(
    original: Callable[..., None],
    acl: FakeWebACL,
    default_action: dict[str, Any] | None,
    rules: list[FakeRule] | None,
    *others: Any,
    **named: Any,
) -> None:
    original(acl, default_action, rules or [], *others, **named)
