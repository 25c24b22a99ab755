"""The mutating client, which changes AWS. It sends one declared call at a time, and nothing the guard refuses.

Every client of the session asks the guard again right before the request is built, so no call can bypass it. Botocore
never retries here: a call whose answer was lost may have taken effect, so the run observes before it sends again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import botocore.config
import botocore.exceptions
import botocore.parsers
import botocore.session
from botocore import xform_name

from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate import speed
from dr_estate.aws.clock import ClockHook
from dr_estate.aws.configured_endpoints import keep_loopback_hosts
from dr_estate.aws.errors import explain, is_passing
from dr_estate.aws.foreign_answers import refuse_foreign_answers
from dr_estate.aws.read_client import Credentials, DroppedSessions
from dr_estate.aws.sign_in import CredentialSource
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import UnavailableKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dr_estate.speed import AccountClients

Context = TypeVar("Context")
Guard = Callable[[Call, Context], "str | None"]
_ERRORS = (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, botocore.parsers.ResponseParserError)
_ALLOW = "Allow it for the operator role (`dr_cli.py iam operator`)."


class GuardRefused(Exception):
    """The guard refused a call before it left this process. The message begins with the rule's id."""


class MutatingClient(Generic[Context]):
    """A session that can send declared mutations. Thread-safe; one client for each service and region.

    ``declared`` are all operations any action may send. The guard weighs each single one by the context that
    ``permitting`` was given for it.
    """

    def __init__(
        self, environment: Environment, credentials: Credentials, declared: Iterable[str], guard: Guard[Context]
    ) -> None:
        limits = environment.observation
        self.sent: Counter[str] = Counter()
        self._guard, self._credentials = guard, credentials
        self._permit = threading.local()
        self._lock = threading.Lock()
        self._config = botocore.config.Config(
            connect_timeout=limits.connect_timeout_s,
            read_timeout=limits.read_timeout_s,
            # The first attempt counts (botocore, Config): 1 means that nothing is sent again.
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=max(limits.workers, environment.failback.objects_at_once),
            user_agent_extra="aws-dr-manager/change",
        )
        self._environment, self._declared = environment, frozenset(declared)
        self._account, self._dropped = self._guarded_account(), DroppedSessions()

    @contextmanager
    def permitting(self, context: Context) -> Iterator[MutatingClient[Context]]:
        """Within the block, this thread may send what the guard lets pass upon ``context``; outside any, nothing."""
        before: Context | None = getattr(self._permit, "context", None)
        self._permit.context = context
        try:
            yield self
        finally:
            self._permit.context = before

    def send(self, call: Call) -> dict[str, Any]:
        """Send ``call`` once; returns AWS's answer. Raises GuardRefused, or SendFailed with the kind of trouble."""
        self._ask_guard(call)
        try:
            sender = speed.client(call.service, call.region, self._account)
            answer = getattr(sender, xform_name(call.operation))(**call.params)
        # Before _ERRORS, for it is a BotoCoreError too: this call never left, so it had no effect.
        except botocore.exceptions.ParamValidationError as wrong:
            raise SendFailed(FailureKind.REFUSED, f"{call.name}: {wrong}", "ParamValidationError") from wrong
        except _ERRORS as error:
            raise _send_failure(error, call) from error
        return cast("dict[str, Any]", answer)

    def sign_in_again(self) -> None:
        """Find the credentials again: the next call reads the AWS files and variables from scratch."""
        self._dropped.add(self._account.session)
        self._dropped.collect()
        self._account = self._guarded_account()

    def _guarded_account(self) -> AccountClients:
        account = speed.account(self._declared, config=self._config, settings=self._credentials.of_clients)
        session, sign_in = account.session, botocore.session.Session()
        sign_in.set_config_variable("region", self._environment.region(Side.DR))
        session.register_component("credential_provider", CredentialSource(sign_in))
        refuse_foreign_answers(session)
        keep_loopback_hosts(session)
        ClockHook(self._credentials.clock).attach(session)
        session.register("before-parameter-build", self._before_call, unique_id="guard")
        if self._credentials.recorder:
            self._credentials.recorder.attach(session)
        if self._credentials.call_log:
            self._credentials.call_log.attach(session)
        return account

    def _before_call(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        service = str(model.service_model.service_name)
        self._ask_guard(Call(service, str(model.name), str(context["client_region"]), params))
        with self._lock:
            self.sent[f"{service}:{model.name}"] += 1

    def _ask_guard(self, call: Call) -> None:
        context: Context | None = getattr(self._permit, "context", None)
        if context is None:
            raise GuardRefused(f"guard.undeclared: {call.name} was permitted by nobody.")
        refused = self._guard(call, context)
        if refused:
            raise GuardRefused(refused)


def _send_failure(error: Exception, call: Call) -> SendFailed:
    unavailable = explain(error, call.service, call.region, _ALLOW)
    code = ""
    if isinstance(error, botocore.exceptions.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
    kinds = {
        UnavailableKind.THROTTLED: FailureKind.THROTTLED,
        UnavailableKind.DENIED: FailureKind.DENIED,
        UnavailableKind.CREDENTIALS: FailureKind.CREDENTIALS,
        # A connection that breaks may have carried the call: only a look shows whether it had an effect.
        UnavailableKind.UNREACHABLE: FailureKind.UNCERTAIN,
        UnavailableKind.DEADLINE: FailureKind.UNCERTAIN,
        UnavailableKind.NOT_AWS: FailureKind.UNCERTAIN,
        UnavailableKind.UNREADABLE: FailureKind.UNCERTAIN,
        UnavailableKind.ERROR: FailureKind.BUSY if is_passing(code) else FailureKind.REFUSED,
    }
    return SendFailed(kinds.get(unavailable.kind, FailureKind.REFUSED), unavailable.why, code)
