"""The cut models are botocore's own where anything declared meets them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest
from botocore.model import ServiceModel

from dr_estate.snapshot.registry import reads
from dr_estate.speed import declared_models as kept_models
from dr_estate.speed.declared_models import DeclaredModels, cut_down

SERVICES = sorted({name.partition(":")[0] for name in reads()})
WHOLE = botocore.loaders.Loader()


@pytest.fixture(autouse=True)
def _with_speedups_and_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _speed_up_in(tmp_path, monkeypatch)


def _speed_up_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_NO_SPEEDUPS", "")
    monkeypatch.setattr(sys, "pycache_prefix", str(folder / "compiled"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def _described(model: ServiceModel, name: str) -> Any:
    """An operation with all its shapes, as botocore understands them."""
    operation = model.operation_model(name)
    done: dict[str, Any] = {}

    def walk(shape: Any) -> str:
        if shape is None:
            return ""
        if shape.name not in done:
            done[shape.name] = {}
            inner = {
                **getattr(shape, "members", {}),
                **{n: getattr(shape, n) for n in ("member", "key", "value") if hasattr(shape, n)},
            }
            parts = {part: (walk(value), value.serialization, value.type_name) for part, value in inner.items()}
            done[shape.name] = (shape.type_name, shape.serialization, shape.metadata, parts)
        return str(shape.name)

    walk(operation.input_shape), walk(operation.output_shape)
    for error in operation.error_shapes:
        walk(error)
    return operation.http, operation.error_shapes and [error.name for error in operation.error_shapes], done


@pytest.fixture(scope="module")
def declared_models(tmp_path_factory: pytest.TempPathFactory) -> DeclaredModels:
    """The models of all declared reads, cut down again in a folder of their own."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        _speed_up_in(tmp_path_factory.mktemp("declared"), monkeypatch)
        return DeclaredModels(reads())


@pytest.mark.parametrize("service", SERVICES)
def test_every_declared_read_is_described_as_by_botocore(service: str, declared_models: DeclaredModels) -> None:
    cut = ServiceModel(declared_models.load_service_model(service, "service-2"), service)
    whole = ServiceModel(WHOLE.load_service_model(service, "service-2"), service)
    declared = {name.partition(":")[2] for name in reads() if name.startswith(f"{service}:")}
    assert set(cut.operation_names) == declared
    assert {shape.name for shape in cut.error_shapes} == {shape.name for shape in whole.error_shapes}
    for name in declared:
        assert _described(cut, name) == _described(whole, name)
    assert cut.client_context_parameters == whole.client_context_parameters


def test_a_second_process_reads_what_the_first_one_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    first = DeclaredModels({"ecs:DescribeClusters"}).load_service_model("ecs", "service-2")
    monkeypatch.setattr(kept_models, "cut_down", None)  # would fail
    assert DeclaredModels({"ecs:DescribeClusters"}).load_service_model("ecs", "service-2") == first


DAMAGED = (b"", b"{", b"{}", b"[]", b'{"service-2": {}, "endpoint-rule-set-1": {}, "paginators-1": {}}')


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_written_again(content: bytes, tmp_path: Path) -> None:
    first = DeclaredModels({"ecs:DescribeTasks"}).load_service_model("ecs", "service-2")
    (file,) = tmp_path.rglob("botocore_models.*.json")
    sound = file.read_bytes()
    file.write_bytes(content)
    assert DeclaredModels({"ecs:DescribeTasks"}).load_service_model("ecs", "service-2") == first
    assert file.read_bytes() == sound


def test_the_files_of_the_newest_declarations_stay(tmp_path: Path) -> None:
    for number in range(10):
        DeclaredModels({"ecs:DescribeTasks", *(f"sts:Operation{n}" for n in range(number))})
    assert len([*tmp_path.rglob("botocore_models.*.json")]) == 8


def test_where_nothing_may_be_written_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    model = DeclaredModels({"ecs:DescribeTasks"}).load_service_model("ecs", "service-2")
    assert model["operations"].keys() == {"DescribeTasks"}
    assert [] == [*tmp_path.rglob("*.json")]


def test_of_the_shapes_those_stay_that_a_declared_operation_reaches() -> None:
    structure = {"type": "structure", "members": {"shape": {"shape": "S"}}}
    shapes = {"In": structure, "S": {"type": "string"}, "E": {"type": "structure", "exception": True}, "X": {}}
    model = {"operations": {"Get": {"input": {"shape": "In"}}, "Put": {"input": {"shape": "X"}}}, "shapes": shapes}
    cut = cut_down(model, ["Get"])
    assert (cut["operations"].keys(), cut["shapes"].keys()) == ({"Get"}, {"In", "S", "E"})
