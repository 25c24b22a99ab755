"""botocore sessions that are made quickly, and react to what their own services need alone.

A session registers a hundred reactions, half of them for services and manuals that nobody here asks, and every client
copies them all: that was a third of the time of making one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import lru_cache

import botocore.session
from botocore.handlers import BUILTIN_HANDLERS, REGISTER_FIRST
from botocore.hooks import EVENT_ALIASES, EventAliaser, HierarchicalEmitter


def session_for(services: Iterable[str]) -> botocore.session.Session:
    """A new session for clients of these services."""
    return _session(frozenset(services))


def any_session() -> botocore.session.Session:
    """A new session for clients of whatever service, as signing in may need them."""
    return _session(None)


def _session(services: frozenset[str] | None) -> botocore.session.Session:
    return botocore.session.Session(event_hooks=copy.copy(_reactions(services)), include_builtin_handlers=False)


@lru_cache(maxsize=8)
def _reactions(services: frozenset[str] | None) -> HierarchicalEmitter:
    """botocore's own reactions, registered in its order."""
    emitter = HierarchicalEmitter()
    events = EventAliaser(emitter)
    known = None if services is None else {EVENT_ALIASES.get(name, name) for name in services}
    for event, reaction, *place in BUILTIN_HANDLERS:
        if known is None or _concerns(event, known):
            early, late = events.register_first, events.register_last
            register = (early if place[0] is REGISTER_FIRST else late) if place else events.register
            register(event, reaction)
    return emitter


def _concerns(event: str, services: set[str]) -> bool:
    """Whether an event such as ``before-call.s3.PutObject`` can come up in a session of these services."""
    kind, _, rest = event.partition(".")
    service = rest.partition(".")[0]
    return kind != "docs" and (not service or "*" in service or EVENT_ALIASES.get(service, service) in services)
