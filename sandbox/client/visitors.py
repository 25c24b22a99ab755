"""Visitors who ask for one page of a tenant again and again while the world changes, each time where DNS leads.

Each visit asks the world's name server first, as a browser whose answer is too old; no visit is tried twice.
"""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from contextlib import closing
from typing import Self

from dr_estate.config.environment import Environment
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import PATIENCE_S, Sites


class Visitors:
    """Visitors of ``host``, in a thread of their own, while a ``with`` lasts.

    ``answered`` counts the pages by region; ``unanswered`` the rest by region and reason: no address, no connection, or
    no page (or password prompt) of the tenant's own: the load balancer answers 200 to any host.
    """

    def __init__(self, endpoint: Endpoint, environment: Environment, host: str, pause_s: float = 0.05) -> None:
        self.answered: Counter[str] = Counter()
        self.unanswered: Counter[str] = Counter()
        self._sites, self._places = Sites(endpoint, environment), endpoint.sites()
        self._host, self._pause_s = host, pause_s
        self._expected = environment.traffic.expected_probe_statuses
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"visitors of {host}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def visit(self) -> None:
        """Ask for the page once."""
        region = self._sites.serving()
        if not region:
            self.unanswered["DNS gives no region's address"] += 1
            return
        place = self._places[region]
        try:
            with closing(http.client.HTTPConnection(place["address"], place["http"], timeout=PATIENCE_S)) as visit:
                visit.request("GET", "/", headers={"Host": self._host})
                answer = visit.getresponse()
                # The prompt for a password names the tenant's host in its realm, and is the site's own answer too.
                page = f"{answer.headers.get('WWW-Authenticate', '')}{answer.read().decode()}"
        except (OSError, http.client.HTTPException) as silent:
            self.unanswered[f"{region}: no answer ({type(silent).__name__})"] += 1
            return
        if answer.status in self._expected and self._host in page:
            self.answered[region] += 1
        else:
            self.unanswered[f"{region}: {answer.status}"] += 1

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.visit()
            self._stopping.wait(self._pause_s)
