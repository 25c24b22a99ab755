"""How an emulator class is changed: an operation added, a method wrapped, an error raised.

A repair is declared above the function that does it, and :func:`install` carries all of them out. Two that stand around
one method follow the names of their modules, whichever is imported first.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionContext, ActionResult, BaseResponse
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker

Method = Callable[..., Any]
Function = TypeVar("Function", bound=Method)
_REPAIRS: defaultdict[str, list[Callable[[], object]]] = defaultdict(list)  # by the module of the function
_MARK = "_repaired_by_sandbox"


def install() -> None:
    """Carry out all repairs that are declared: module after module by name, in each as they stand. Idempotent."""
    for module in sorted(_REPAIRS):
        for repair in _REPAIRS[module]:
            repair()


def _declared(repair: Callable[[Any], object]) -> Callable[[Function], Function]:
    """Let ``repair`` be called with the function below when the repairs are installed, not when it is imported."""

    def declare(function: Function) -> Function:
        _REPAIRS[function.__module__].append(functools.partial(repair, function))
        return function

    return declare


def attribute(owner: object, **values: Any) -> None:
    """Give ``owner`` attributes that the emulator's class or module lacks, or others in their place."""
    _REPAIRS[""] += [functools.partial(setattr, owner, name, value) for name, value in values.items()]


def attach(owner: type) -> Callable[[Function], Function]:
    """Give ``owner`` the function below as a method, under its own name; an existing one is replaced."""
    return _declared(lambda member: setattr(owner, member.__name__, member))


def attach_property(owner: type) -> Callable[[Function], Function]:
    """Give ``owner`` a read-only property called like the function below."""
    return _declared(lambda getter: setattr(owner, getter.__name__, property(getter)))


def computed(owner: type, name: str) -> Callable[[Function], Function]:
    """Let the function below compute an attribute that the emulator writes: what it writes is ignored."""
    return _declared(lambda compute: setattr(owner, name, property(compute, lambda _thing, _value: None)))


def wrap(owner: type, *names: str) -> Callable[[Function], Function]:
    """Replace ``owner``'s methods of these names by the function below, called as ``around(original, self, ...)``."""

    def put(around: Method) -> None:
        for name in names:
            put_around(owner, name, around)

    return _declared(put)


def put_around(owner: type, name: str, around: Method) -> None:
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


def wrap_property(owner: type, name: str) -> Callable[[Function], Function]:
    """Let the property ``owner.name`` answer what the function below returns of ``(original getter, self)``."""

    def put(around: Method) -> None:
        getter = getattr(owner, name).fget
        if getattr(getter, _MARK, None) == around.__qualname__:
            return

        def repair(self: Any) -> Any:
            return around(getter, self)

        setattr(repair, _MARK, around.__qualname__)
        setattr(owner, name, property(repair))

    return _declared(put)


def operation(owner: type[BaseResponse], *names: str) -> Callable[[Function], Function]:
    """Add or replace API operations, which the function below answers.

    ``answer(response, params)`` gets the request parsed by the service model (names as in the API, times as
    datetimes) and returns the answer as the API names it, or None for an empty one.
    """

    def add(answer: Method) -> None:
        def perform(self: BaseResponse) -> ActionResult:
            # moto has parsed the parameters already for the services whose response class asks for it.
            if not self.automated_parameter_parsing:
                self.parse_parameters(self.normalized_request)
            return _AsNamed(answer(self, self.params))

        for name in names:
            setattr(owner, name, perform)

    return _declared(add)


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
    _REPAIRS[""].append(functools.partial(url_paths.setdefault, "{0}/.*$", dispatch))


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
