"""The emulator answers the same in less than half the time: what it looks up for each request, it looks up once.

Each of these asks for something that cannot change while a process runs: the folders of a package, the methods of a
class, the spellings of a name. Call :func:`install` when all repairs are installed, for methods are looked up once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import xmltodict
from moto import backends
from moto.core import responses
from moto.core.constants import MISSING
from moto.core.model import Shape
from moto.core.serialize import (
    DEFAULT_ALIAS_PROVIDERS,
    AttributePickerContext,
    ResponseSerializer,
    XFormedAttributePicker,
)
from moto.core.utils import get_value
from moto.kms import models as kms
from moto.kms.utils import AbstractPrivateKey, KeySpec, generate_private_key
from moto.moto_server import werkzeug_app
from moto.moto_server.werkzeug_app import BackendRequest, DomainDispatcherApplication
from werkzeug.routing import Rule
from werkzeug.wrappers import Request

from sandbox.core.patching import ByName

KEPT = 4096
_SPELT = "_spelt_by_sandbox"
_URL_BUILDER = Rule._compile_builder
_NEW_KEY_PAIR = generate_private_key


def install() -> None:
    """Quicken the emulator of this process. Idempotent."""
    _once(backends, "list_of_moto_modules", frozenset)
    _once(responses, "method_names_from_class", frozenset)
    _once(responses, "camelcase_to_underscores", str)
    _once(xmltodict, "_validate_name", _as_it_is)
    _once(DomainDispatcherApplication, "get_backend_for_host", _as_it_is)
    _replace(kms, "generate_private_key", _key_pair)
    _once(werkzeug_app, "create_backend_app", _as_it_is)
    _replace(ResponseSerializer, "get_value", _value)
    _replace(Rule, "_compile_builder", _url_builder)
    # Flask's own builds a class for each form, which explains mistakes to whoever writes an upload form
    _replace(BackendRequest, "_load_form_data", Request._load_form_data)


def _once(owner: Any, name: str, kept_as: Callable[[Any], Any]) -> None:
    """Let the function ``name`` of ``owner`` answer each question once; ``kept_as`` makes a value of the answer."""
    asked = getattr(owner, name)
    if not hasattr(asked, "cache_clear"):
        _replace(owner, name, functools.lru_cache(maxsize=KEPT)(lambda *question: kept_as(asked(*question))))


def _as_it_is(answer: Any) -> Any:
    return answer


def _replace(owner: Any, name: str, by: Callable[..., Any]) -> None:
    setattr(owner, name, by)


def _key_pair(key_spec: str) -> AbstractPrivateKey:
    """What a key of KMS signs with: a symmetric one never does, so all of them have the same."""
    return _never_used() if key_spec == KeySpec.SYMMETRIC_DEFAULT else _NEW_KEY_PAIR(key_spec)


@functools.cache
def _never_used() -> AbstractPrivateKey:
    return _NEW_KEY_PAIR(KeySpec.SYMMETRIC_DEFAULT)


def _url_builder(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """What builds an URL of ``rule``, compiled when one is built: most of a route's price, and none is built here."""
    return lambda bound, **values: _URL_BUILDER(rule, append_unknown).__get__(bound, None)(**values)


def _value(self: ResponseSerializer, held: Any, key: str, shape: Shape) -> Any:
    """What ``held`` has for the member ``key`` of an answer: as the emulator finds it, each spelling reckoned once."""
    picker = self._value_picker
    if type(picker) is XFormedAttributePicker and picker.alias_providers is DEFAULT_ALIAS_PROVIDERS:
        value = _picked(held, key, shape)
        if not picker.response_transformers:
            return value
        path = f"{'.'.join(self.path)}.{key}"
        for ending, transform in picker.response_transformers.items():
            if path.endswith(ending):
                return transform(value)
        return value
    if type(picker) is ByName and type(held) is dict and not picker.response_transformers:
        return held.get(key)
    operation = self.operation_model
    return picker(AttributePickerContext(held, key, shape, operation, operation.service_model, ".".join(self.path)))


def _picked(held: Any, key: str, shape: Shape) -> Any:
    """The first of the spellings that ``held`` knows; None where it knows none."""
    spelt: dict[Any, tuple[str, ...]] = shape.__dict__.setdefault(_SPELT, {})
    asked = type(held), key, id(getattr(shape, "parent", None))
    if asked not in spelt:
        spellings = XFormedAttributePicker().get_possible_keys(AttributePickerContext(held, key, shape))
        spelt[asked] = tuple(dict.fromkeys(spellings))
    for name in spelt[asked]:
        plain = type(held) is dict and "." not in name
        value = held.get(name, MISSING) if plain else get_value(held, name, MISSING)
        if value is not MISSING:
            return value
    return None
