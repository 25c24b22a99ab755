"""Commands of the AWS CLI as one line for a shell, built from the parameters of the API. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from botocore import xform_name

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+=,*?!#$&()<>~; \[\]{}\"'|^\\-]*")
_READ_BY_CLI = re.compile(r"-|\[|\{|(?:file|fileb|https?)://")
_SERVICES = {"s3": "s3api"}
# Source: ARGUMENT_RENAMES of awscli.customizations.argrename.
_RENAMED = {("sns", "Endpoint"): "notification-endpoint"}
_RENAMED_OFF = {("ec2", "Egress"): "--ingress"}
"""The options of booleans that are false, where they are not those of the API with a "no" before."""


def aws_command(service: str, operation: str, region: str, /, **params: Any) -> str:
    """Return the command line that makes ``operation`` of the API in ``region``, quoted for a shell.

    It is one line of printable ASCII without backticks. What the AWS CLI would take for a file, a URL, an option or
    JSON, and what is not plainly printable, goes as JSON (``--cli-input-json``), which takes every value as it is.
    """
    words = ["aws", _SERVICES.get(service, service), xform_name(operation, "-"), "--region", region]
    if all(map(_is_plain, _leaves(params))):
        words += [word for name, value in params.items() for word in _option(service, name, value)]
    else:
        # ASCII escapes of what a shell, a page or a terminal could take for something else
        words += ["--cli-input-json", json.dumps(params).replace("`", "\\u0060").replace("\x7f", "\\u007f")]
    return shlex.join(words)


def _option(service: str, name: str, value: Any) -> list[str]:
    option = f"--{_RENAMED.get((service, name)) or xform_name(name, '-')}"
    match value:
        case bool():
            off = _RENAMED_OFF.get((service, name)) or option.replace("--", "--no-", 1)
            return [option if value else off]
        case list() | tuple() if value and all(isinstance(entry, str) for entry in value):
            return [option, *value]
        case dict() | list() | tuple():
            return [option, json.dumps(value, separators=(",", ":"))]
    return [option, str(value)]


def _leaves(value: Any) -> Iterator[str]:
    match value:
        case dict():
            yield from (leaf for key, inner in value.items() for leaf in (*_leaves(key), *_leaves(inner)))
        case list() | tuple():
            yield from (leaf for inner in value for leaf in _leaves(inner))
        case int() | float():
            return  # a number is read as one, a negative one too
        case _:
            yield str(value)


def _is_plain(text: str) -> bool:
    return bool(text) and _PLAIN.fullmatch(text) is not None and _READ_BY_CLI.match(text) is None
