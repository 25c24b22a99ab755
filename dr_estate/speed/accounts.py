"""What all clients of one account share: botocore's session, the declared operations, connections, who hears of a call.

An account without a ``reading`` has botocore's own clients alone: what changes AWS is sent by nothing else. One with a
reading has lean clients where nothing is set that they do not know. A call that a lean client cannot end is handed to
botocore's client of the same service and region, whose first attempt is given what the lean client's was given.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from dr_estate.speed.connections import SharedConnections
from dr_estate.speed.declared_models import declared_models
from dr_estate.speed.lean_client import UNSENT, CallListener, LeanClient, LeanService, is_usual, place_of

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.config import Config
    from botocore.model import OperationModel


class AccountClients:
    """The clients of one account. ``session`` is botocore's: what every client is to do is registered there."""

    def __init__(
        self,
        declared: Iterable[str],
        config: Config | None = None,
        settings: Mapping[str, Any] | None = None,
        reading: CallListener | None = None,
        is_heard: bool = False,
    ) -> None:
        """``settings`` as ``create_client`` takes them; ``is_heard``: somebody hears botocore's events of each call."""
        self.session = botocore.session.Session()
        self.session.register_component("data_loader", declared_models(frozenset(declared)))
        self._config, self._settings, self._is_heard = config, dict(settings or {}), is_heard
        self._connections = SharedConnections(self.session)
        self._service = cache(lambda name: LeanService(self.session, name))
        self._creating, self._handed = threading.Lock(), threading.local()
        # None is an answer here: that botocore's own client is to be used for this place.
        self._lean = dict[tuple[str, str], LeanClient | None]()
        self.ordinary_clients = dict[tuple[str, str], Any]()
        self._struggling = set[tuple[str, str]]()
        self._reading = reading
        if reading is not None:
            self._let_hear(reading)

    def client(self, service: str, region: str) -> Any:
        """Return a lean client where one can call, else botocore's."""
        place = (service, region)
        if place not in self._lean:
            with self._creating:
                self._lean[place] = self._lean.get(place) or self._lean_client(service, region)
        lean = self._lean[place]
        return self.ordinary(service, region) if lean is None or place in self._struggling else lean

    def ordinary(self, service: str, region: str) -> Any:
        """Return botocore's client."""
        if (service, region) not in self.ordinary_clients:  # who has one does not wait for others to get theirs
            with self._creating:
                if (service, region) not in self.ordinary_clients:
                    # One at a time: two threads may not use one session at once (Boto3 guide, "Session").
                    self.ordinary_clients[service, region] = self.session.create_client(
                        service, region_name=region, config=self._config, **self._settings
                    )
        return self.ordinary_clients[service, region]

    def trust_all(self) -> None:
        """Let lean clients call again where botocore's had to send a request again."""
        self._struggling = set()

    def close(self, *, for_good: bool = False) -> None:
        """Close this process's ends of all connections; ``for_good``: each lasts no longer than its call from now."""
        self._connections.close(for_good=for_good)
        for client in self.ordinary_clients.copy().values():  # a call of after the deadline may add one
            client.close()

    def send(self, request: AWSPreparedRequest, connect_s: float, read_s: float) -> AWSResponse | None:
        """The answer on a shared connection; None where only botocore's own session can send the request."""
        return self._connections.send(request, connect_s, read_s)

    @cached_property
    def keys(self) -> Any:
        """The credentials that requests are signed with, None where none are found."""
        if self._settings.get("aws_access_key_id"):
            return Credentials(self._settings["aws_access_key_id"], self._settings["aws_secret_access_key"])
        return self.session.get_credentials()

    @cached_property
    def parser(self) -> Any:
        """The parser of a protocol, as the session has it."""
        make: Any = self.session.get_component("response_parser_factory").create_parser
        return cache(make)

    def end_by_botocore(self, lean: LeanClient, method: str, params: Mapping[str, Any], first: Any) -> Any:
        """Let botocore's client end a call: its first attempt is ``first`` (None: it was not begun).

        A service that had to be asked again is not well: from then on its calls are all botocore's.
        """
        client, self._handed.first = self.ordinary(lean.service, lean.region), first
        try:
            answer = getattr(client, method)(**params)
        except ClientError as error:
            self._note_retries(lean, error.response)
            raise
        finally:
            self._handed.first = None
        self._note_retries(lean, answer)
        return answer

    def _note_retries(self, lean: LeanClient, answer: Mapping[str, Any]) -> None:
        if answer.get("ResponseMetadata", {}).get("RetryAttempts"):
            # botocore retries with growing pauses: a lean client beside it would send what AWS asked to slow down.
            self._struggling.add((lean.service, lean.region))

    def _lean_client(self, service: str, region: str) -> LeanClient | None:
        # Who hears botocore's events is to hear of all calls: a lean client raises none.
        if self._reading is None or self._is_heard or not is_usual(self.session) or self.keys is None:
            return None
        place = place_of(self._service(service), region, self._settings.get("endpoint_url"))
        return LeanClient(self._service(service), region, place, self, self._reading) if place else None

    def _let_hear(self, reading: CallListener) -> None:
        """Let ``reading`` hear of botocore's calls too, but of each call once."""

        def begin(model: OperationModel, context: Mapping[str, Any], **_: Any) -> None:
            if getattr(self._handed, "first", None) is None:
                reading.begin(str(model.service_model.service_name), context["client_region"], str(model.name))

        def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
            first, self._handed.first = getattr(self._handed, "first", None), None
            if isinstance(first, Exception):
                raise first
            if first is not None and first is not UNSENT:
                return cast("AWSResponse", first)
            reading.sending(request.url)
            connect_s, read_s, _again = reading.patience()
            return self.send(request, connect_s, read_s)

        self.session.register("before-parameter-build", begin, unique_id="speed-begin")
        self.session.register("before-send", send, unique_id="speed-send")
