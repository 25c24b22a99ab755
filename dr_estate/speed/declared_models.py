"""botocore's models, cut down to the declared operations: what is not declared has no method at all.

Creating a client makes a method for each operation, and EC2 has 700; reading all models takes 0.3 s. What is left of
them is written beside this module's compiled form, which is as trusted and as easy to delete.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import botocore
import orjson
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

from dr_estate.speed.kept_code import are_on, cache_path, write_beside

_MODEL, _RULES, _PAGES = "service-2", "endpoint-rule-set-1", "paginators-1"
_FILES, _MOST_FILES = "botocore_models.", 8
Models = Mapping[str, Mapping[str, Any]]
_BY_TOKEN = {"input_token": "NextToken", "output_token": "NextToken"}
# Pages by a token, as AWS documents, and botocore has no paginator: API_control_ListJobs.
PAGED: Models = {"s3control": {"ListJobs": {**_BY_TOKEN, "limit_key": "MaxResults", "result_key": "Jobs"}}}


class DeclaredModels(Loader):
    """A loader that knows only the ``service:Operation`` names in ``declared``."""

    def __init__(self, declared: Iterable[str]) -> None:
        super().__init__()
        self._operations: defaultdict[str, set[str]] = defaultdict(set)
        for name in declared:
            service, _, operation = name.partition(":")
            self._operations[service].add(operation)
        self._cut = self._cut_models()

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's signature
        """Only the declared services, of 400 folders."""
        return sorted(self._operations)

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """The model as botocore has it, with the declared operations alone."""
        if self._cut is not None and type_name in self._cut and service_name in self._operations:
            return self._cut[type_name][service_name]
        if type_name == _PAGES:
            return self._pages_of(service_name, self._operations[service_name])
        model = super().load_service_model(service_name, type_name, api_version)
        if type_name != _MODEL:
            return model
        wanted = self._operations[service_name]
        return {**model, "operations": {name: op for name, op in model["operations"].items() if name in wanted}}

    @cached_property
    def has_own_models(self) -> bool:
        """Whether somebody has put models or endpoints of their own beside botocore's."""
        return any(path != self.BUILTIN_DATA_PATH and Path(path).exists() for path in self.search_paths)

    def _cut_models(self) -> Models | None:
        """What is left of the models, by type and service; None where nothing can be written for the next time."""
        path = cache_path(__file__, f"{_FILES}{self._digest()}.json")
        if self.has_own_models or not are_on() or path is None:
            return None
        with contextlib.suppress(OSError, ValueError, AttributeError):
            known: Models = orjson.loads(path.read_bytes())
            if all(known.get(kind, {}).keys() == self._operations.keys() for kind in (_MODEL, _RULES, _PAGES)):
                return known
        load = super().load_service_model
        cut: Models = {
            _MODEL: {name: cut_down(load(name, _MODEL), wanted) for name, wanted in self._operations.items()},
            _RULES: {name: load(name, _RULES) for name in self._operations},
            _PAGES: {name: self._pages_of(name, wanted) for name, wanted in self._operations.items()},
        }
        write_beside(path, orjson.dumps(cut))
        with contextlib.suppress(OSError):  # of other declarations the newest files stay
            files = sorted(path.parent.glob(f"{_FILES}*.json"), key=lambda file: file.stat().st_mtime_ns)
            for file in files[:-_MOST_FILES]:
                file.unlink()
        return cut

    def _pages_of(self, service: str, operations: Collection[str]) -> dict[str, Any]:
        """How the declared operations page; a service of which nothing does has no such file."""
        try:
            pages = super().load_service_model(service, _PAGES)["pagination"]
        except DataNotFoundError:
            pages = {}
        pages = pages | PAGED.get(service, {})
        return {"pagination": {name: how for name, how in pages.items() if name in operations}}

    def _digest(self) -> str:
        """What the cut depends on: botocore as it is installed, this module, and what is declared."""
        files = [str(Path(file).stat().st_mtime_ns) for file in (botocore.__file__, __file__)]
        operations = sorted(f"{service}:{name}" for service, names in self._operations.items() for name in names)
        what = [botocore.__version__, *files, *operations]
        return hashlib.sha256(" ".join(what).encode()).hexdigest()[:16]


def cut_down(model: Mapping[str, Any], operations: Iterable[str]) -> dict[str, Any]:
    """``model`` with these operations, the shapes they reach, and its errors."""
    wanted = {name: model["operations"][name] for name in sorted(operations) if name in model["operations"]}
    shapes, found = model["shapes"], set[str]()
    todo = [*_shapes_of(wanted), *(name for name, shape in shapes.items() if shape.get("exception"))]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += _shapes_of(shapes[name])
    return {**model, "operations": wanted, "shapes": {name: shapes[name] for name in shapes if name in found}}


def _shapes_of(node: Any) -> Iterator[str]:
    """The names of the shapes that a part of a model refers to."""
    if isinstance(node, dict):
        if isinstance(node.get("shape"), str):
            yield node["shape"]
        for inner in node.values():
            yield from _shapes_of(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _shapes_of(inner)


@lru_cache(maxsize=4)
def declared_models(declared: frozenset[str]) -> DeclaredModels:
    """The loader of ``declared``; models do not change, so a second session of one process reads no file again."""
    return DeclaredModels(declared)
