"""The sandbox's speed-ups change when something is computed, and not what."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
import time_machine
import xmltodict
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import example, given
from hypothesis import strategies as st
from moto.acm.models import CertBundle
from moto.core import serialize
from moto.core.serialize import ResponseSerializer, XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from moto.moto_api._internal import mock_random
from moto.moto_server import werkzeug_app

from sandbox.core.patching import MemberPicker
from sandbox.moto_ext import speedups


def test_a_service_has_one_application_in_a_process() -> None:
    speedups.install()
    assert werkzeug_app.create_backend_app("sns") is werkzeug_app.create_backend_app("sns")
    assert werkzeug_app.create_backend_app("sns") is not werkzeug_app.create_backend_app("kms")


def test_the_switch_leaves_the_emulator_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_NO_SPEEDUPS", "1")
    monkeypatch.setattr(werkzeug_app, "create_backend_app", plain := lambda service: service)
    speedups.install.__wrapped__()
    assert werkzeug_app.create_backend_app is plain


def test_a_certificate_is_of_its_own_names_and_its_key_is_shared() -> None:
    speedups.install()
    first, second = (
        CertBundle.generate_cert(name, "123456789012", "eu-west-1", sans=[f"*.{name}"])
        for name in ("one.example", "two.example")
    )
    assert first.key == second.key
    assert first.arn != second.arn
    assert (second.common_name, sorted(second.sans)) == ("two.example", ["*.two.example", "two.example"])
    certificate = x509.load_pem_x509_certificate(second.cert)
    assert certificate.serial_number != x509.load_pem_x509_certificate(first.cert).serial_number
    assert second.validate_pk().public_key() == certificate.public_key()
    assert second.describe()["Certificate"]["KeyAlgorithm"] == "RSA_2048"
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA512)


def test_a_certificate_is_issued_though_the_first_one_expired() -> None:
    speedups.install()
    CertBundle.generate_cert("one.example", "123456789012", "eu-west-1")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=400)):
        later = CertBundle.generate_cert("two.example", "123456789012", "eu-west-1")
        assert later.validate_certificate().not_valid_after_utc > datetime.now(UTC)


NAMES = st.sampled_from(
    ["Name", "member", "a.b-c", "x:y", "@xmlns", "@xsi:type", "#text", "#comment", "no name", "1st"]
)
TEXTS = st.text(st.sampled_from("a <>&\"'\r\n\t\u00fc\U0001f600"), max_size=5)
SINGLE = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.binary(max_size=3) | st.tuples(TEXTS)
FLAT = SINGLE | st.lists(SINGLE, max_size=2) | st.dictionaries(NAMES, SINGLE, max_size=3)
BODIES = FLAT | st.lists(FLAT, max_size=2) | st.dictionaries(NAMES, FLAT, max_size=3)


@given(st.dictionaries(NAMES, BODIES, max_size=2))
@example({"Name": {"member": [], "a.b-c": [True, None, "", 1.5]}})
@example({"Name": {"member": []}})
@example({"Name": ["one", "two"]})
@example({"Name": {"member": ("one", "two"), "x:y": b"three"}})
@example({"Name": {"@xmlns": "\"<&'", "#text": "one"}})
@example({"Name": {"@xmlns": "\"<&'", "member": [{"@xsi:type": "<"}]}})
@example({"Name": {"@xmlns": '"', "no name": "<"}})
@example({"Name": 'a<b>&c"'})
def test_xml_is_written_as_xmltodict_writes_it(body: dict[str, Any]) -> None:
    speedups.install()
    for whole in (False, True):
        how = {"full_document": whole, "short_empty_elements": True, "pretty": False}
        assert _outcome(vars(serialize)["xmltodict"].unparse, body, how) == _outcome(xmltodict.unparse, body, how)


def test_xml_is_indented_where_that_is_asked_for() -> None:
    speedups.install()
    how = {"full_document": False, "short_empty_elements": True, "pretty": True}
    body = {"Name": {"member": ["one", "two"]}}
    assert vars(serialize)["xmltodict"].unparse(body, **how) == xmltodict.unparse(body, **how)


class DBInstance:
    """What an emulator's model may look like: names in snake case, shortened, or given by its Meta."""

    class Meta:
        serialization_aliases: ClassVar = {"Engine": "made.of"}

    def __init__(self) -> None:
        self.identifier, self.db_instance_class, self.made = "one", "large", {"of": "mysql"}
        self.Endpoint = {"address": "host", "Port": 3306}
        self.DBSecurityGroups: list[object] = []
        self.vpc_security_groups = [{"vpc_security_group_id": "sg-1"}, {"VpcSecurityGroupId": "sg-2"}]


@pytest.mark.parametrize("transformers", [None, {}, {"DBInstance.Engine": repr}, {"Endpoint.Port": lambda _: 1}])
@pytest.mark.parametrize("picker", [XFormedAttributePicker, MemberPicker])
@pytest.mark.parametrize("found", [DBInstance(), vars(DBInstance()), {"Engine": "mysql", "made.of": 1, "DBName": None}])
def test_members_are_found_by_the_names_that_the_emulator_looks_for(
    found: Any, picker: Any, transformers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written() -> dict[str, Any]:
        serializer = _serializer("rds", "DescribeDBInstances", picker(response_transformers=transformers))
        answer: dict[str, Any] = serializer.serialize({"DBInstances": [found]})
        return answer

    speedups.install()
    quick = [written(), written()]  # the second one knows the names
    as_it_is = inspect.unwrap(ResponseSerializer.get_value)
    monkeypatch.setattr(ResponseSerializer, "get_value", as_it_is)
    assert quick == [written()] * 2


def test_a_class_is_not_asked_by_the_names_of_another_one() -> None:
    speedups.install()
    shown = [
        _serializer("rds", "DescribeDBInstances").serialize({"DBInstances": [found]})["body"]
        for found in ({"DBInstanceIdentifier": "one"}, DBInstance(), {"DBInstanceIdentifier": "two"})
    ]
    assert [body.partition("<DBInstanceIdentifier>")[2][:3] for body in shown] == ["one", "one", "two"]


def test_a_random_string_is_of_the_letters_that_are_asked_for() -> None:
    speedups.install()
    plain = mock_random.get_random_string(300)
    assert (len(plain), plain.isalnum(), plain.isalpha(), plain.islower()) == (300, True, False, False)
    assert mock_random.get_random_string(200, include_digits=False).isalpha()
    assert mock_random.get_random_string(200, lower_case=True).islower()


def _serializer(service: str, operation: str, picker: Any = None) -> Any:
    model = get_service_model(service)
    kind = get_serializer_class(service, model.resolved_protocol)
    return kind(operation_model=model.operation_model(operation), value_picker=picker or XFormedAttributePicker())


def _outcome(unparse: Callable[..., str], body: Any, how: dict[str, bool]) -> str | type[Exception]:
    try:
        return unparse(body, **how)
    except Exception as failed:  # noqa: BLE001 - what fails, fails alike
        return type(failed)
