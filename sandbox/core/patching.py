"""How an emulator class is changed: an operation added, a method wrapped, an error raised. All of it idempotent."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionContext, ActionResult, BaseResponse
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker

Method = Callable[..., Any]
_MARK = "_repaired_by_sandbox"


def attach(owner: type, *members: Method) -> None:
    """Give ``owner`` these functions as methods, under their own names; an existing one is replaced."""
    for member in members:
        setattr(owner, member.__name__, member)


def attach_property(owner: type, getter: Method) -> None:
    """Give ``owner`` a read-only property called like ``getter``."""
    setattr(owner, getter.__name__, property(getter))


def wrap(owner: type, name: str, around: Method) -> None:
    """Replace ``owner.name`` by ``around(original, self, ...)``; does nothing when it was replaced before."""
    original, mark = getattr(owner, name), f"{around.__module__}.{around.__qualname__}"
    # One process of the tests installs the repairs again and again: a repair around itself would run twice.
    if mark in _repaired_by(original):
        return

    @functools.wraps(original)
    def repair(self: Any, *args: Any, **kwargs: Any) -> Any:
        return around(original, self, *args, **kwargs)

    setattr(repair, _MARK, mark)
    setattr(owner, name, repair)


def _repaired_by(method: Method | None) -> Iterator[str]:
    """The functions that stand around ``method``, outermost first."""
    while method is not None:
        if mark := method.__dict__.get(_MARK):
            yield mark
        method = getattr(method, "__wrapped__", None)


def wrap_property(owner: type, name: str, around: Method) -> None:
    """Let the property ``owner.name`` answer ``around(original getter, self)``; idempotent as :func:`wrap`."""
    getter = getattr(owner, name).fget
    if getattr(getter, _MARK, None) == around.__qualname__:
        return

    def repair(self: Any) -> Any:
        return around(getter, self)

    setattr(repair, _MARK, around.__qualname__)
    setattr(owner, name, property(repair))


def operation(owner: type[BaseResponse], name: str, answer: Callable[[Any, dict[str, Any]], Any]) -> None:
    """Add or replace an API operation.

    ``answer(response, params)`` gets the request parsed by the service model (names as in the API, times as
    datetimes) and returns the answer as the API names it, or None for an empty one.
    """

    def perform(self: BaseResponse) -> ActionResult:
        # moto has parsed the parameters already for the services whose response class asks for it.
        if not self.automated_parameter_parsing:
            self.parse_parameters(self.normalized_request)
        return _AsNamed(answer(self, self.params))

    perform.__name__ = name
    setattr(owner, name, perform)


class _AsNamed(ActionResult):
    """An answer in the API's own names: no name is looked for in seven other spellings, as the emulator does."""

    def execute_result(self, context: ActionContext) -> TYPE_RESPONSE:
        """Write the answer down as the service's protocol has it."""
        transformers = getattr(context.response, "RESPONSE_KEY_PATH_TO_TRANSFORMER", None)
        written = context.serializer_class(
            operation_model=context.operation_model, value_picker=MemberPicker(response_transformers=transformers)
        ).serialize(self.result)
        return int(written["status_code"]), dict(written["headers"]), written["body"]


class MemberPicker(XFormedAttributePicker):
    """Takes a member of an answer under its own name."""

    def __call__(self, context: AttributePickerContext) -> Any:
        """Return the member that is asked for."""
        if type(context.obj) is dict and not self.response_transformers:
            return context.obj.get(context.key)
        return super().__call__(context)


def catch_all(url_paths: dict[str, Any], dispatch: Any) -> None:
    """Route every path of a REST service to its handler, which then finds the operation by the service model."""
    # setdefault: a path that moto serves already keeps its own handler.
    url_paths.setdefault("{0}/.*$", dispatch)


class ServiceError(ServiceException):
    """An error answer. The emulator looks for a service model named after the module of its own exceptions only."""


def refused(code: str, message: str) -> ServiceError:
    """The error to raise when AWS would refuse; ``code`` as in the service's model."""
    return ServiceError(code, message)


def offset(token: Any, code: str, message: str = "The token is not valid.") -> int:
    """Where the page of ``token`` begins; raises ``code`` for a token that nobody was given."""
    text = str(token or 0)
    if not (text.isascii() and text.isdigit()):
        raise refused(code, message)
    return int(text)


def page(
    items: list[Any], params: Mapping[str, Any], limit: int = 1000, wrong: str = "InvalidParameterValueException"
) -> tuple[list[Any], str | None]:
    """One page of ``items`` as MaxResults and NextToken ask, and the next token (an offset) or None.

    A token that nobody was given is refused with the code ``wrong``.
    """
    # The token is an offset: a listing that changes between two pages may repeat or skip an entry.
    start = offset(params.get("NextToken"), wrong)
    end = start + int(params.get("MaxResults") or limit)
    return items[start:end], str(end) if end < len(items) else None


def state(backend: Any, name: str) -> dict[Any, Any]:
    """A dictionary of ours in the emulator's backend: it is reset, saved and loaded with it."""
    # In __dict__: BaseBackend.reset empties that, and the file of a world holds nothing else of a backend.
    entries: dict[Any, Any] = backend.__dict__.setdefault(name, {})
    return entries
