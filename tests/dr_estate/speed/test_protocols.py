"""botocore's own protocol tests, played by their own runner: this folder sends and reads as every protocol demands.

They are other people's, and stay outside of this repository (BOTOCORE_PROTOCOLS).
"""

from __future__ import annotations

import importlib.util
import io
import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, prepare_request_dict
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.model import OperationModel, ServiceModel
from botocore.serialize import create_serializer

from dr_estate.aws.foreign_answers import refuse_foreign_answer, refuse_foreign_answers
from dr_estate.snapshot.registry import reads
from dr_estate.speed.accounts import AccountClients
from dr_estate.speed.lean_client import LeanClient, SignedPlace
from tests.dr_estate.speed.test_lean_client import Quiet

FOLDER = Path(os.environ.get("BOTOCORE_PROTOCOLS") or Path(__file__).parents[4] / "shared" / "botocore-protocols")
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is absent (BOTOCORE_PROTOCOLS names it)")
JSON = ("json", "rest-json")
SPOKEN = (*JSON, "query", "ec2", "rest-xml")
REGION = "eu-west-1"
PLACE = SignedPlace("https://service.eu-west-1.example", "service", REGION)


@cache
def account() -> AccountClients:
    """An account as the read client has it, with the gate for whole answers around its parsers."""
    account = AccountClients(reads(), reading=Quiet())
    refuse_foreign_answers(account.session)
    return account


@cache
def runner() -> Any:
    """botocore's runner, which asks this folder's parsers and serialisers."""
    spec = importlib.util.spec_from_file_location("botocore_protocols", FOLDER / "how-botocore-runs-them.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TEST_DIR = str(FOLDER)
    # It closes none of its files.
    vars(module)["open"] = lambda path, encoding="utf-8": io.StringIO(Path(path).read_text(encoding))
    module.PROTOCOL_PARSERS |= {name: _parser_of(name) for name in SPOKEN}
    return module


def _parser_of(protocol: str) -> Callable[..., Any]:
    """The account's parser; the runner compares times as seconds since 1970, as its own parser of them gives them."""

    def parser(timestamp_parser: Callable[[Any], Any]) -> Any:
        factory = account().session.get_component("response_parser_factory")
        factory.set_parser_defaults(timestamp_parser=timestamp_parser)
        return factory.create_parser(protocol)

    return parser


def _cases(kind: str) -> Iterator[tuple[Any, Any, str]]:
    for model, case, name in runner()._compliance_tests(runner().TestType[kind]):
        if model["metadata"]["protocol"] in SPOKEN:
            yield model, case, name


def test_every_answer_of_every_protocol_means_what_botocore_promises() -> None:
    played = set()
    for model, case, name in _cases("OUTPUT"):
        runner().test_output_compliance(model, case, name)
        played.add(model["metadata"]["protocol"])
    assert played == set(SPOKEN)


def test_every_request_of_every_protocol_looks_as_botocore_promises() -> None:
    played = set()
    for model, case, name in _cases("INPUT"):
        runner().test_input_compliance(model, case, name)
        played.add(model["metadata"]["protocol"])
    assert played == set(SPOKEN)


def test_every_request_leaves_a_lean_client_as_botocore_sends_it() -> None:
    """What botocore's serialiser writes is held by the test above; here it is signed and prepared for the wire."""
    played, keys = Counter[str](), Credentials("AKIDPROTOCOL", "secret")
    for description, case, name in _cases("INPUT"):
        service = ServiceModel({**description, "operations": {case["given"].get("name", "OperationName"): case}}, "s")
        protocol, model = service.metadata["protocol"], OperationModel(case["given"], service)
        serializer = create_serializer(protocol, include_validation=False)
        params = runner()._convert_strings_to_special_float(case["params"])
        session = SimpleNamespace(user_agent=lambda: "agent")
        parts = SimpleNamespace(name=name, session=session, model=service, serializer=serializer)
        lean = LeanClient(parts, REGION, PLACE, SimpleNamespace(keys=keys), Quiet())  # type: ignore[arg-type]
        for _ in range(10):  # until both are of one second
            own = lean.request(model, params)
            words = serializer.serialize_to_request(dict(params), model)
            prepare_request_dict(words, PLACE.endpoint_url, {}, "agent")
            request = AWSRequest(
                words["method"], words["url"], words["headers"], words["body"], auth_path=words.get("auth_path")
            )
            SigV4Auth(keys, PLACE.service, PLACE.region).add_auth(request)
            botocores = request.prepare()
            if own.headers["X-Amz-Date"] == botocores.headers["X-Amz-Date"]:
                break
        assert _on_the_wire(own) == _on_the_wire(botocores), case.get("id")
        played[protocol] += 1
    assert played.keys() == set(SPOKEN)


def _on_the_wire(sent: AWSPreparedRequest) -> tuple[Any, ...]:
    body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
    headers = sorted((name.lower(), str(value)) for name, value in sent.headers.items())
    return sent.method, sent.url, body, headers


def test_json_of_any_protocol_test_that_is_cut_anywhere_is_refused() -> None:
    """Not the parser's empty answer: the gate stands before it."""
    refused = 0
    for model, case, _ in _cases("OUTPUT"):
        body = str(case["response"].get("body", "")).encode()
        if model["metadata"]["protocol"] not in JSON or not body.lstrip().startswith(b"{") or "error" in case:
            continue
        operation = OperationModel(case["given"], ServiceModel({**model, "operations": {"Op": case}}))
        if operation.has_event_stream_output or not _is_json_whole(operation):
            continue
        for end in range(1, len(body.rstrip())):
            answer = {"status_code": 200, "headers": {}, "body": body[:end], "context": {}}
            with pytest.raises(BotoCoreError):
                refuse_foreign_answer(operation, answer)
            refused += 1
    assert refused > 1000


def _is_json_whole(operation: OperationModel) -> bool:
    """Whether the body is JSON: a payload of text or bytes is the caller's own, and has no end that it shows."""
    shape = operation.output_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    return shape is not None and not (payload and shape.members[payload].type_name in ("string", "blob"))
