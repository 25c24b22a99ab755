"""Which AWS call an HTTP request is: service, operation, region and caller, as its signature and shape say."""

from __future__ import annotations

import functools
import gzip
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import botocore
from botocore.model import ServiceModel

Environ = dict[str, Any]

# Services that sign with another name than their own, or share one; the first listed wins where nothing decides.
SIGNED_AS: dict[str, tuple[str, ...]] = {
    "apigateway": ("apigateway", "apigatewayv2"),
    "aps": ("amp",),
    "cassandra": ("keyspaces",),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elbv2", "elb"),
    "elasticmapreduce": ("emr",),
    "events": ("events",),
    "lambda": ("lambda",),
    "monitoring": ("cloudwatch",),
    "rds": ("rds", "docdb", "neptune"),
    "s3": ("s3", "s3control"),
    "servicequotas": ("service-quotas",),
    "ses": ("sesv2", "ses"),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}
# Both sign as s3; what comes here would be an object of a bucket of that name.
S3_CONTROL = "/v20180820/"
UNSIGNED_STS = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
# The metadata of a service model ends well before that: whole files would be megabytes for each unknown service.
HEAD = 2048
READS = ("Describe", "List", "Get", "Head", "Search", "Lookup", "Query", "Scan", "BatchGet", "Test", "Simulate")
# Decrypt, AssumeRole and the like change nothing that a recovery could have to take back.
READS_TOO = ("AssumeRole", "DecodeAuthorizationMessage", "Decrypt", "FilterLogEvents", "Select", "TransactGet")


@dataclass(frozen=True)
class ApiCall:
    """One AWS call. ``service`` is botocore's name; ``operation`` is "" where the path matches none of the service."""

    service: str
    operation: str
    region: str
    access_key: str
    protocol: str
    json_version: str = "1.1"
    query_compatible: bool = False

    @property
    def key(self) -> str:
        """Region, service and operation in the form calls are counted by: ``<region> ecs:ListServices``."""
        return f"{self.region} {self.service}:{self.operation or '?'}"

    @property
    def writes(self) -> bool:
        """Whether the call may change the world, judged by its verb."""
        return not self.operation.startswith(READS + READS_TOO)


def identify(environ: Environ) -> ApiCall:
    """Return the AWS call ``environ`` is. Its body must be a BytesIO; it is left rewound."""
    access_key, region, signed_as = _scope(environ)
    action, version = _action(environ)
    if not signed_as:
        # Without a signature AWS knows a few STS calls, and public S3 objects.
        region, signed_as = region or "us-east-1", "sts" if action in UNSIGNED_STS else "s3"
    of_control = signed_as == "s3" and environ["PATH_INFO"].startswith(S3_CONTROL)
    candidates = ("s3control",) if of_control else _candidates(signed_as)
    for model in map(model_of, candidates):
        operation = _operation(model, environ, action, version)
        if operation is not None:
            return _call(model, operation, region, access_key)
    first = candidates[:1]
    if first:
        return _call(model_of(first[0]), _asked_for(environ, action), region, access_key)
    return ApiCall(signed_as, _asked_for(environ, action), region, access_key, _guessed_protocol(environ, action))


def _call(model: ServiceModel, operation: str, region: str, access_key: str) -> ApiCall:
    return ApiCall(
        service=model.service_name,
        operation=operation,
        region=region,
        access_key=access_key,
        protocol=model.resolved_protocol,
        json_version=model.metadata.get("jsonVersion", "1.1"),
        query_compatible="awsQueryCompatible" in model.metadata,
    )


def _scope(environ: Environ) -> tuple[str, str, str]:
    """Access key, region and signing name of the SigV4 credential scope; empty strings for an unsigned request."""
    header = environ.get("HTTP_AUTHORIZATION", "")
    credential = header.partition("Credential=")[2].partition(",")[0].strip()
    if not credential:
        credential = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    parts = credential.rsplit("/", 4)
    # Terraform's provider signs for "Backup" where it is given an endpoint.
    return (parts[0], parts[2], parts[3].lower()) if len(parts) == 5 else ("", "", "")  # noqa: PLR2004 - the scope's parts


def _action(environ: Environ) -> tuple[str, str]:
    """Action and Version of a query-protocol request, from the form or the query string."""
    text = environ.get("QUERY_STRING", "")
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        body: io.BytesIO = environ["wsgi.input"]
        text = body.getvalue().decode("utf-8", "replace")
    if "Action=" not in text:
        return "", ""
    form = parse_qs(text)
    return form.get("Action", [""])[0], form.get("Version", [""])[0]


def _operation(model: ServiceModel, environ: Environ, action: str, version: str) -> str | None:
    """Return the operation of ``model`` the request names, or None where it is not a request of that service."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    protocol = model.resolved_protocol
    if target:
        prefix, _, name = target.rpartition(".")
        # JSON services name the call in X-Amz-Target alone: another prefix is another service of the same signing name.
        return name if prefix == model.metadata.get("targetPrefix") else None
    if action:
        # elb and elbv2, rds and docdb sign alike and differ by the Version of the request.
        return action if version in ("", model.api_version) and action in model.operation_names else None
    if protocol == "smithy-rpc-v2-cbor":
        return environ["PATH_INFO"].rpartition("/operation/")[2] or None
    if protocol in ("rest-json", "rest-xml"):
        return _rest_operation(model.service_name, environ)
    return None


def _rest_operation(service: str, environ: Environ) -> str | None:
    from moto.core.request import Request
    from moto.core.routing import get_service_router
    from werkzeug.exceptions import NotFound

    try:
        operation, _ = get_service_router(service).match(Request(dict(environ), populate_request=False))
    except (NotFound, NotImplementedError):
        return None
    return str(operation.name)


def _asked_for(environ: Environ, action: str) -> str:
    """Name what an unknown operation was asked for by: its target, its action, or nothing for a path."""
    return action or str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]


def _guessed_protocol(environ: Environ, action: str) -> str:
    if action:
        return "query"
    return "json" if environ.get("HTTP_X_AMZ_TARGET") else "rest-json"


@functools.cache
def _candidates(signed_as: str) -> tuple[str, ...]:
    if signed_as in SIGNED_AS:
        return SIGNED_AS[signed_as]
    return (signed_as,) if signed_as in _services() else _search(signed_as)


def _search(signed_as: str) -> tuple[str, ...]:
    """Look through all service models for a signing name. Their metadata stands first, so their heads are enough."""
    return tuple(sorted(path.parent.parent.name for path in _model_files() if _signing_name(path) == signed_as))


def _model_files() -> Iterable[Path]:
    folder = Path(botocore.__file__).parent / "data"
    # Sorted: the folder of a later API date overwrites the earlier one of the same service.
    newest = {path.parent.parent.name: path for path in sorted(folder.glob("*/*/service-2.json*"))}
    return newest.values()


def _signing_name(path: Path) -> str:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        head = file.read(HEAD).decode("utf-8", "replace")
    # signingName is there only where it is not the endpoint's prefix.
    found = re.search(r'"signingName"\s*:\s*"([^"]+)"', head) or re.search(r'"endpointPrefix"\s*:\s*"([^"]+)"', head)
    return found[1] if found else ""


@functools.cache
def _services() -> frozenset[str]:
    from moto.core.loaders import create_loader

    return frozenset(create_loader().list_available_services("service-2"))


@functools.cache
def model_of(service: str) -> ServiceModel:
    """Botocore's model of ``service``, with what the emulator adds to it; read once."""
    from moto.core.loaders import create_loader

    return ServiceModel(create_loader().load_service_model(service, "service-2"), service)
