"""Declared reads without what botocore does again for each call: events, rules of endpoints, a pool for each client.

botocore's own models, serialisers, signer and parsers are used. A lean client sends a call for the first time, gives an
answer of success, and raises a refusal that no second attempt would change: a thing that is not there has an answer of
its own, too. An answer of another kind and a failure are handed to the ordinary client, which goes on as if it had sent
the call itself. A call or a setting that this file does not know is the ordinary client's from the start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import botocore.handlers
from botocore import xform_name
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, prepare_request_dict
from botocore.endpoint_provider import EndpointProvider
from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import BotoCoreError, ClientError, DataNotFoundError
from botocore.model import OperationModel
from botocore.paginate import Paginator
from botocore.retries.standard import RetryContext, StandardRetryConditions
from botocore.serialize import create_serializer

from dr_estate.speed.kept_code import are_on

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.session import Session

ANSWERS = (*range(200, 300), *range(400, 500))
"""Statuses of answers that decide a call: what is there, or a refusal."""
_REFUSAL, _SIGNATURE = 400, "v4"
_OTHERS = ("use_fips_endpoint", "use_dualstack_endpoint", "auth_scheme_preference", "sigv4a_signing_region_set")
UNSENT = object()
"""The first attempt of a call that is counted and that only the ordinary client can send."""
_RETRIED = StandardRetryConditions()
"""Whether botocore asks again after a first attempt: by the code, or by the status alone (429)."""
_TRACED = ("AWS_LAMBDA_FUNCTION_NAME", "_X_AMZN_TRACE_ID")


@dataclass(frozen=True)
class LeanService:
    """What both regions of one service share."""

    session: Session
    name: str

    @cached_property
    def model(self) -> Any:
        """botocore's model of the service, cut down to the declared reads."""
        return self.session.get_service_model(self.name)

    @cached_property
    def serializer(self) -> Any:
        """botocore's; it checks parameters."""
        return create_serializer(str(self.model.resolved_protocol))

    def pages(self, method: str) -> Any:
        """How boto3's ``method`` pages; None where it does not."""
        try:
            return self.session.get_paginator_model(self.name).get_paginator(self.operations[method])
        except (DataNotFoundError, KeyError, ValueError):
            return None

    @cached_property
    def operations(self) -> dict[str, str]:
        """The declared reads by the names of boto3's methods."""
        return {xform_name(name): name for name in self.model.operation_names}

    @cached_property
    def rules(self) -> EndpointProvider:
        """The rules by which AWS names the service's endpoints."""
        loader = self.session.get_component("data_loader")
        rules = loader.load_service_model(self.name, "endpoint-rule-set-1")
        return EndpointProvider(rules, loader.load_data("partitions"))

    @cached_property
    def rule_parameters(self) -> dict[str, Any]:
        """What every declared read gives the rules of endpoints, whatever its own parameters; empty if they differ."""
        first, *others = (_rule_parameters(self.model.operation_model(name)) for name in self.operations.values())
        return first if all(other == first for other in others) else {}

    @cached_property
    def errors(self) -> Any:
        """botocore's exceptions of the service."""
        return ClientExceptionsFactory().create_client_exceptions(self.model)

    @cached_property
    def operation(self) -> Callable[[str], OperationModel | None]:
        """The read of boto3's ``method``; None where it has something that only botocore's client knows."""
        return cache(self._operation)  # goes with the service: a method's own cache would keep each for ever

    def _operation(self, method: str) -> OperationModel | None:
        model: OperationModel = self.model.operation_model(self.operations[method])
        special = (
            model.idempotent_members,
            model.has_event_stream_output or model.has_streaming_output or model.has_streaming_input,
            model.endpoint or model.http_checksum or model.http_checksum_required,
            _rule_parameters(model) != self.rule_parameters,
            model.auth_type or model.unsigned_payload,
        )
        return None if any(special) else model


def _rule_parameters(model: OperationModel) -> dict[str, Any]:
    return {parameter.name: parameter.value for parameter in model.static_context_parameters}


class SignedPlace(NamedTuple):
    """Where calls go, and for whom they are signed."""

    endpoint_url: str
    service: str
    region: str


def is_usual(session: Session) -> bool:
    """Whether nothing is set that this file does not know: then a lean client may call."""
    return (
        are_on()
        and not any(session.get_config_variable(name) for name in _OTHERS)
        and not {"endpoint_url", "services", "parameter_validation"} & session.get_scoped_config().keys()
        and not any(
            name.startswith("AWS_ENDPOINT_URL_") or name == "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" for name in os.environ
        )
        and not all(os.environ.get(name) for name in _TRACED)
        and not session.get_component("data_loader").has_own_models
    )


def place_of(service: LeanService, region: str, endpoint_url: str | None) -> SignedPlace | None:
    """Where the calls of a service in a region go; None where only botocore's client knows."""
    given = endpoint_url or os.environ.get("AWS_ENDPOINT_URL")
    if service.model.signature_version != _SIGNATURE or "fips" in region:
        return None
    wanted = {"Region": region, "UseFIPS": False, "UseDualStack": False, **({"Endpoint": given} if given else {})}
    try:
        endpoint = service.rules.resolve_endpoint(**wanted, **service.rule_parameters)
    except BotoCoreError:
        return None
    schemes = endpoint.properties.get("authSchemes") or [{"name": "sigv4"}]
    if endpoint.headers or schemes[0]["name"] != "sigv4":
        return None
    signing = schemes[0].get("signingName", service.model.signing_name)
    return SignedPlace(endpoint.url, signing, schemes[0].get("signingRegion", region))


class CallListener(Protocol):
    """Who counts, times and weighs the calls of an observation. Each method may refuse by an exception."""

    def begin(self, service: str, region: str, operation: str) -> None:
        """A call is about to be made."""

    def sending(self, url: str) -> None:
        """A request is about to leave this thread."""

    def patience(self, service: str = "", region: str = "") -> tuple[float, float, bool]:
        """Seconds to connect and to wait for an answer, and whether a second attempt is worth its time."""

    def on_answer(self, model: OperationModel, answer: dict[str, Any]) -> None:
        """An answer arrived and is about to be parsed."""


class LeanClient:
    """A client of one service in one region, with boto3's methods for the declared reads. Thread-safe.

    ``account`` is of accounts.py, which imports this file; ``meta`` has the endpoint, as in botocore's clients.
    """

    def __init__(
        self, service: LeanService, region: str, place: SignedPlace, account: Any, reading: CallListener
    ) -> None:
        self.service, self.region, self.meta = service.name, region, place
        self._service, self._account, self._reading, self._credentials = service, account, reading, account.keys
        self._agent, self._protocol = service.session.user_agent(), str(service.model.resolved_protocol)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """boto3's method of that name."""
        if method.startswith("__"):
            raise AttributeError(method)
        call = self.__dict__[method] = partial(self._call, method)
        return call

    def can_paginate(self, method: str) -> bool:
        """Whether answers come in pages."""
        return self._service.pages(method) is not None

    def get_paginator(self, method: str) -> Paginator:
        """botocore's paginator of these calls."""
        name = self._service.operations[method]
        return Paginator(getattr(self, method), self._service.pages(method), self._service.model.operation_model(name))

    def _call(self, method: str, /, **params: Any) -> Any:
        """Make a call: a first attempt that decides, or the ordinary client's. Raises what that one raises."""
        end_by_botocore = partial(self._account.end_by_botocore, self, method)
        model = self._service.operation(method) if method in self._service.operations else None
        members = model.input_shape.members if model and model.input_shape else {}
        if model is None or params.keys() - members.keys():  # boto3 knows some parameters by two names
            return end_by_botocore(params, None)
        self._reading.begin(self.service, self.region, model.name)
        request = self.request(model, params)
        self._reading.sending(request.url)
        connect_s, read_s, tries_again = self._reading.patience(self.service, self.region)
        try:
            answer = self._account.send(request, connect_s, read_s)
        except BotoCoreError as failed:
            if not tries_again:
                raise
            return end_by_botocore(params, failed)
        if answer is None or answer.status_code not in ANSWERS:
            return end_by_botocore(params, answer or UNSENT)
        return self.final_answer(model, answer) or end_by_botocore(params, answer)

    def request(self, model: OperationModel, params: Mapping[str, Any]) -> AWSPreparedRequest:
        """The signed request. Raises ParamValidationError, and what a sign-in raises."""
        given = dict(params)
        if self.service == "route53":
            botocore.handlers.fix_route53_ids(given, model)
        words = self._service.serializer.serialize_to_request(given, model)
        prepare_request_dict(words, self.meta.endpoint_url, {}, self._agent)
        request = AWSRequest(
            words["method"], words["url"], words["headers"], words["body"], auth_path=words.get("auth_path")
        )
        SigV4Auth(self._credentials.get_frozen_credentials(), self.meta.service, self.meta.region).add_auth(request)
        prepared = request.prepare()
        prepared.context = {}
        return prepared

    def final_answer(self, model: OperationModel, answer: AWSResponse) -> dict[str, Any] | None:
        """The answer as botocore gives it; None where botocore would ask again. Raises ClientError for a refusal."""
        received = {"headers": answer.headers, "status_code": answer.status_code, "body": answer.content}
        received["context"] = {"operation_name": model.name}
        self._reading.on_answer(model, received)  # half an answer is refused before a parser makes an empty one of it
        parse = self._account.parser(self._protocol).parse
        parsed: dict[str, Any] = parse(received, model.output_shape)
        parsed["ResponseMetadata"]["RetryAttempts"] = 0
        if answer.status_code < _REFUSAL:
            if self.service == "iam":
                botocore.handlers.json_decode_policies(parsed, model)
            return parsed
        code = parsed.get("Error", {}).get("Code")
        if shape := self._service.model.shape_for_error_code(code):  # what a refusal says besides its code and sentence
            parsed.update(parse(received, shape), ResponseMetadata=parsed["ResponseMetadata"])
        whole = SimpleNamespace(status_code=answer.status_code, headers=answer.headers, content=received["body"])
        if _RETRIED.is_retryable(RetryContext(1, model, parsed, whole)):
            return None
        error: ClientError = self._service.errors.from_code(code)(parsed, model.name)
        raise error
