"""botocore's models, cut down to the declared operations: what is not declared has no method at all.

Creating a client makes a method for each operation, and EC2 has 700.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Any

from botocore.loaders import Loader

from dr_estate.aws.speedups import FastFiles, are_on


class DeclaredModels(Loader):
    """A loader that knows only the ``service:Operation`` names in ``declared``."""

    def __init__(self, declared: Iterable[str]) -> None:
        super().__init__(file_loader=FastFiles() if are_on() else None)
        self._operations: defaultdict[str, set[str]] = defaultdict(set)
        for name in declared:
            service, _, operation = name.partition(":")
            self._operations[service].add(operation)

    @cached_property
    def _services(self) -> list[str]:
        return sorted(self._operations)

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's signature
        """Only the declared services: looking through all 400 folders is not needed to know them."""
        return self._services

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """The model as botocore has it, with the declared operations alone."""
        model = super().load_service_model(service_name, type_name, api_version)
        if type_name != "service-2":
            return model
        wanted = self._operations[service_name]
        return {**model, "operations": {name: op for name, op in model["operations"].items() if name in wanted}}


@lru_cache(maxsize=4)
def declared_models(declared: frozenset[str]) -> DeclaredModels:
    """The loader of ``declared``; models do not change, so a second session of one process reads no file again."""
    return DeclaredModels(declared)
