"""CloudWatch Logs under a key of KMS: the key's policy admits the service by name, or no line is taken or shown.

Source: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
"""

from __future__ import annotations

from typing import Any

from moto.logs.models import LogGroup, LogsBackend
from moto.logs.responses import LogsResponse

from sandbox.core.patching import operation, refused, wrap
from sandbox.moto_ext.iam.role_access import admits

# What the key's policy must allow to the service (CloudWatch Logs guide, encrypting log data).
USES = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")


def takes_lines(backend: LogsBackend, group: LogGroup) -> bool:
    """Whether the service can use the key of the group."""
    return _is_admitted(backend, group.name, str(group.kms_key_id or ""))


def _is_admitted(backend: LogsBackend, group: str, key: str) -> bool:
    account, region = str(backend.account_id), str(backend.region_name)
    # The policy may limit the key to one log group by this context.
    context = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:log-group:{group}"}
    return admits(account, region, key, f"logs.{region}", *USES, **context)


@wrap(LogsBackend, "create_log_group")
def _create(original: Any, self: LogsBackend, log_group_name: str, tags: Any, **more: Any) -> Any:
    key = str(more.get("kmsKeyId") or "")
    # CreateLogGroup refuses a key that the service cannot use; one that is disabled later refuses each line.
    _require(self, log_group_name, key)
    return original(self, log_group_name, tags, **more)


def _require(backend: LogsBackend, group: str, key: str) -> None:
    if not _is_admitted(backend, group, key):
        message = f"The specified KMS key does not exist or is not allowed to be used with LogGroup '{group}'."
        raise refused("InvalidParameterException", message)


def _group(response: LogsResponse, params: dict[str, Any]) -> LogGroup:
    name = str(params.get("logGroupName") or "")
    if name not in response.logs_backend.groups:
        raise refused("ResourceNotFoundException", "The specified log group does not exist.")
    return response.logs_backend.groups[name]


@operation(LogsResponse, "associate_kms_key")
def _associate(response: LogsResponse, params: dict[str, Any]) -> None:
    group = _group(response, params)
    _require(response.logs_backend, group.name, params["kmsKeyId"])
    group.kms_key_id = params["kmsKeyId"]


@operation(LogsResponse, "disassociate_kms_key")
def _disassociate(response: LogsResponse, params: dict[str, Any]) -> None:
    _group(response, params).kms_key_id = None


@wrap(LogsBackend, "put_log_events", "get_log_events")
def _on_lines(original: Any, self: LogsBackend, log_group_name: str, *args: Any, **kwargs: Any) -> Any:
    found = self.groups.get(log_group_name)
    if found is not None and not takes_lines(self, found):
        raise refused("AccessDeniedException", f"The key {found.kms_key_id} of {log_group_name} cannot be used.")
    return original(self, log_group_name, *args, **kwargs)
