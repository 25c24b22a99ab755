"""Declared reads without what botocore does again for each call: events, rules of endpoints, a pool for each client.

botocore's own models, serialisers, signer and parsers are used, each once where it can be. A lean client sends a call
for the first time, gives an answer of success, and raises a refusal that no second attempt would change: a thing that
is not there has an answer of its own, too. Everything else is botocore's: an answer of another kind and a failure are
handed to the ordinary client, which goes on as if it had sent the call itself, and a call or a setting that this file
does not know is the ordinary client's from the start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.handlers
from botocore import xform_name
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, prepare_request_dict
from botocore.endpoint_provider import EndpointProvider
from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import BotoCoreError, ClientError, DataNotFoundError
from botocore.model import OperationModel
from botocore.paginate import Paginator
from botocore.retries.standard import RetryContext, StandardRetryConditions

from dr_estate.aws.foreign_answers import refuse_foreign_answer
from dr_estate.aws.plain_http import host_header, place_at
from dr_estate.aws.root_requests import RootSigner
from dr_estate.aws.sound_params import QuickSerializer
from dr_estate.aws.speedups import are_on

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.model import Shape
    from botocore.session import Session

ANSWERS = (*range(200, 300), *range(400, 500))
"""Statuses of answers that decide a call: what is there, or a refusal."""
_REFUSAL = 400
_SIGNATURE = "v4"
_OTHERS = ("use_fips_endpoint", "use_dualstack_endpoint", "auth_scheme_preference", "sigv4a_signing_region_set")
UNSENT = object()
"""The end of a call that is counted and that only the ordinary client can send."""
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
    def serializer(self) -> QuickSerializer:
        """botocore's; it checks parameters."""
        return QuickSerializer(str(self.model.resolved_protocol))

    @cached_property
    def pages(self) -> Mapping[str, Any]:
        """How the operations page."""
        try:
            pages = self.session.get_paginator_model(self.name)
        except DataNotFoundError:
            return {}
        return {name: pages.get_paginator(name) for name in self.operations.values() if _pages(pages, name)}

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


def _pages(pages: Any, name: str) -> bool:
    try:
        return bool(pages.get_paginator(name))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class SignedPlace:
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


def _members(model: OperationModel) -> Mapping[str, Any]:
    return model.input_shape.members if model.input_shape else {}


class LeanClient:
    """A client of one service in one region, with boto3's methods for the declared reads. Thread-safe.

    ``make`` makes a call: with this client, the method's name, and the parameters by name. ``meta`` has the endpoint,
    as in botocore's clients.
    """

    def __init__(
        self, service: LeanService, region: str, place: SignedPlace, credentials: Any, make: Callable[..., Any]
    ) -> None:
        self.service, self.region = service.name, region
        self._service, self.meta, self._credentials, self._make = service, place, credentials, make
        host = host_header(place_at(urlsplit(place.endpoint_url)))
        self._signer = RootSigner(place.endpoint_url, host, place.service, place.region)
        self._agent, self.protocol = service.session.user_agent(), str(service.model.resolved_protocol)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """boto3's method of that name."""
        if method.startswith("__"):
            raise AttributeError(method)
        call = self.__dict__[method] = partial(self._make, self, method)
        return call

    def can_paginate(self, method: str) -> bool:
        """Whether answers come in pages."""
        return self._service.operations.get(method) in self._service.pages

    def get_paginator(self, method: str) -> Paginator:
        """botocore's paginator of these calls."""
        name = self._service.operations[method]
        return Paginator(getattr(self, method), self._service.pages[name], self._service.model.operation_model(name))

    def operation(self, method: str, params: Mapping[str, Any]) -> OperationModel | None:
        """The read of boto3's ``method``; None where only botocore's client can make it, with these ``params``."""
        model = self._service.operation(method) if method in self._service.operations else None
        if model is None or params.keys() - _members(model):  # boto3 knows some parameters by two names
            return None
        return model

    def request(self, model: OperationModel, params: Mapping[str, Any]) -> AWSPreparedRequest:
        """The signed request. Raises ParamValidationError, and what a sign-in raises."""
        given = dict(params)
        if self.service == "route53":
            botocore.handlers.fix_route53_ids(given, model)
        words = self._service.serializer.serialize_to_request(given, model)
        keys = self._credentials.get_frozen_credentials()
        if keys is not None and self._signer.signs(words):
            return self._signer.signed_request(words, self._agent, keys)
        prepare_request_dict(words, self.meta.endpoint_url, {}, self._agent)
        request = AWSRequest(
            words["method"], words["url"], words["headers"], words["body"], auth_path=words.get("auth_path")
        )
        SigV4Auth(keys, self.meta.service, self.meta.region).add_auth(request)
        prepared = request.prepare()
        prepared.context = {}
        return prepared

    def raw_answer(self, model: OperationModel, answer: AWSResponse) -> dict[str, Any]:
        """An answer in the form that a parser of ``protocol`` reads. Raises NotAws."""
        words = {
            "headers": answer.headers,
            "status_code": answer.status_code,
            "context": {"operation_name": model.name},
            "body": answer.content,
        }
        refuse_foreign_answer(model, words)
        return words

    def error_shape(self, parsed: Mapping[str, Any]) -> Shape | None:
        """What a refusal says besides its code and sentence; None for other answers."""
        refusal = int(parsed["ResponseMetadata"]["HTTPStatusCode"]) >= _REFUSAL
        return self._service.model.shape_for_error_code(parsed.get("Error", {}).get("Code")) if refusal else None

    def final_answer(
        self, model: OperationModel, received: dict[str, Any], parsed: dict[str, Any]
    ) -> dict[str, Any] | None:
        """The answer as botocore gives it; None where botocore would ask again. Raises ClientError for a refusal."""
        parsed["ResponseMetadata"]["RetryAttempts"] = 0
        if received["status_code"] >= _REFUSAL:
            self._refuse(model, received, parsed)
            return None
        if self.service == "iam":
            botocore.handlers.json_decode_policies(parsed, model)
        return parsed

    def _refuse(self, model: OperationModel, received: dict[str, Any], parsed: dict[str, Any]) -> None:
        """Raise what botocore raises; return where it would ask again."""
        whole = SimpleNamespace(
            status_code=received["status_code"], headers=received["headers"], content=received["body"]
        )
        if not _RETRIED.is_retryable(RetryContext(1, model, parsed, whole)):
            code = parsed.get("Error", {}).get("Code")
            error: ClientError = self._service.errors.from_code(code)(parsed, model.name)
            raise error
