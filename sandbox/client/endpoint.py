"""A running sandbox as its users see it: where it listens, whose keys it knows, and what can be asked of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from sandbox.core.errors import SandboxError
from sandbox.core.people import AccessKeys, SessionKeys
from sandbox.core.state import Outage

TIMEOUT_S = 30
# 300,000 versions a bucket are made in one request.
_FILL_S = 300
TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105 - the header's name, not a token


@dataclass(frozen=True)
class Endpoint:
    """``people`` maps reader, operator, approver, driller, admin, stranger (another account) and expired to their keys.

    ``dns`` is the address of the world's name server, ``world`` the world's own id. Every method raises SandboxError
    with the server's sentence.
    """

    url: str
    account: str
    token: str
    environment: str
    tenants: int
    pid: int
    people: dict[str, AccessKeys]
    dns: tuple[str, int] | None = None
    world: str = ""

    def state(self) -> dict[str, Any]:
        """Return what the world says of itself: tenants, faults, stopped regions, disasters in force."""
        found: dict[str, Any] = self.ask("GET", "state")
        return found

    def calls(self) -> dict[str, int]:
        """Return how often each operation was called: ``{"region service:Operation": calls}``."""
        found: dict[str, int] = self.ask("GET", "calls")["calls"]
        return found

    def reset_calls(self) -> None:
        """Count from nought."""
        self.ask("DELETE", "calls")

    def latency(self, seconds: float) -> None:
        """Delay each call by ``seconds``."""
        self.ask("PUT", "latency", {"seconds": seconds})

    def begin(self, outage: Outage) -> None:
        """Put ``outage`` in force."""
        self.ask("PUT", "faults", asdict(outage))

    def end(self, outage: Outage | None = None) -> None:
        """Take ``outage`` back, or all."""
        self.ask("DELETE", "faults", asdict(outage) if outage else None)

    def was_dark(self, region: str, ended_s_ago: float, lasted_s: float) -> None:
        """Let the region have been dark for ``lasted_s`` until ``ended_s_ago``: its metrics have a gap there."""
        self.ask("PUT", "past", {"region": region, "ended_s_ago": ended_s_ago, "lasted_s": lasted_s})

    def fill(self, buckets: Sequence[str], prefix: str, count: int, size_bytes: int = 0) -> None:
        """Put ``count`` objects under ``prefix`` into each of ``buckets``, the same versions in all.

        They are said to be of ``size_bytes`` where that is given: their content is a few bytes.
        """
        body = {"buckets": list(buckets), "prefix": prefix, "count": count, "size_bytes": size_bytes}
        self.ask("PUT", "objects", body, _FILL_S)

    def disasters(self) -> list[dict[str, Any]]:
        """Return all disasters: name, sentence, trips, consequences, broken."""
        found: list[dict[str, Any]] = self.ask("GET", "disasters")["disasters"]
        return found

    def inject(self, name: str) -> list[str]:
        """Break the world by the disaster ``name``; return the services it changed, "" for a whole region's outage."""
        touched: list[str] = self.ask("POST", "break", {"name": name})["touched"]
        return touched

    def repair(self, name: str = "") -> list[str]:
        """Take the disaster ``name`` back, or all that are in force; return their names."""
        found: list[str] = self.ask("POST", "mend", {"name": name})["mended"]
        return found

    def train(self, name: str) -> dict[str, Any]:
        """Set the training scene ``name``; return its briefing."""
        found: dict[str, Any] = self.ask("POST", "train", {"name": name})
        return found

    def debrief(self, hint: bool = False) -> dict[str, Any]:
        """Judge the scene that is played, goal by goal; ``hint`` asks for one hint more."""
        found: dict[str, Any] = self.ask("POST", "debrief", {"hint": hint})
        return found

    def end_scenario(self) -> str:
        """Make the world the one from before the scene; return the scene's name."""
        return str(self.ask("DELETE", "train")["ended"])

    def keep(self, name: str) -> None:
        """Remember the whole world as it is now under ``name``, for as long as this sandbox runs."""
        self.ask("POST", "keep", {"name": name})

    def return_to(self, name: str) -> None:
        """Make the world the one kept under ``name``: as it was then, and as old as it was then.

        Calls under way are dropped without an answer. Counts and mutations recorded so far stay.
        """
        self.ask("POST", "return", {"name": name})

    def age(self, seconds: int) -> None:
        """Let the world grow older at once: all in it happened ``seconds`` earlier. Calls under way are dropped."""
        self.ask("POST", "age", {"seconds": seconds})

    def mutations(self) -> list[dict[str, Any]]:
        """Return the mutating API calls since the last reset, in order, each with the fields of a ``Mutation``."""
        found: list[dict[str, Any]] = self.ask("GET", "mutations")["mutations"]
        return found

    def reset_mutations(self) -> None:
        """Forget the mutating calls recorded so far."""
        self.ask("DELETE", "mutations")

    def timing(self, **seconds: float | None) -> None:
        """Set how long changes take (``transition_s``) and how far copies lag; None restores the default.

        ``restore_s`` is how long a restored database is `creating`, where that is not as long as other changes take.

        The lags: ``log_upload_s`` (automated backups), ``files_lag_s`` (EFS replication), ``files_unseen_s`` (what the
        last EFS sync left out, which its time does not show), ``replica_lag_s`` (read replicas), ``replica_unseen_s``
        (what has not reached a read replica yet, which its ReplicaLag does not show), ``lag_published_s``, the interval
        at which CloudWatch gets ReplicaLag (a minute on AWS), and ``dns_lag_s``, how long name servers take to get a
        change (0 unless it is given, up to a minute on AWS). ``slow_s`` is how long calls and visits take that an
        outage slows; it overrides the outage's own seconds. ``quantile`` (0 to 1) fixes where in its range each
        operation's duration lies, instead of a random draw: 0.5 is the median.
        """
        self.ask("PUT", "timing", dict(seconds))

    def pin_rules(self, settings: dict[str, Any]) -> None:
        """Let the approver have pinned these rules (``Environment.rules``), in the place of the world's own."""
        self.ask("PUT", "rules", settings)

    def clock(self) -> dict[str, float]:
        """Return the ``world``'s time and the ``real`` one (seconds since 1970), and the ``speed``."""
        found: dict[str, float] = self.ask("GET", "clock")
        return found

    def set_speed(self, speed: float) -> dict[str, float]:
        """Let ``speed`` (1 to 3600) seconds of the world pass in a real one from now on; return the clock.

        Its time goes on from where it is, and never goes back to the machine's.
        """
        found: dict[str, float] = self.ask("PUT", "clock", {"speed": speed})
        return found

    def pace(self, wanted: str) -> None:
        """Let what begins from now on take its time as on AWS ("real"), or hardly any ("quick").

        What :meth:`timing` gives for ``transition_s`` or a lag goes before both.
        """
        self.ask("PUT", "pace", {"pace": wanted})

    def set_sizes(self, database_gib: int, files_gib: float, kfiles: float = 0) -> None:
        """Let each database and file system hold so much, the files in so many thousands: the real pace goes by it."""
        self.ask("PUT", "sizes", {"database_gib": database_gib, "files_gib": files_gib, "kfiles": kfiles})

    def enforce_iam(self, on: bool) -> None:
        """Judge every call by the caller's policies, or let everybody do everything, as at first.

        The people of a seeded world have the equivalents of the generated policies; the admin may do everything.
        """
        self.ask("PUT", "enforcement", {"on": on})

    def put_image(self, environments: Path) -> None:
        """Let tasks that run this tool go by that folder of environment files: what an image is built from."""
        self.ask("PUT", "image", {"environments": str(environments.resolve())})

    def session_keys(self, person: str, valid_s: float) -> SessionKeys:
        """Return temporary keys of ``person``: after ``valid_s`` seconds each call with them is ExpiredToken."""
        keys = self.ask("POST", "session-keys", {"person": person, "valid_s": valid_s})
        return SessionKeys(**{**keys, "expires_at": datetime.fromisoformat(keys["expires_at"])})

    def expire_session_keys(self) -> None:
        """Let every pair of temporary keys that was issued end now."""
        self.ask("DELETE", "session-keys")

    def denied(self) -> list[dict[str, str]]:
        """What IAM denied since enforcement was switched: who, action, resource, region; the latest thousand."""
        found: list[dict[str, str]] = self.ask("GET", "enforcement")["denied"]
        return found

    def starts(self) -> dict[str, str]:
        """Return why a new task of each service of the DR region would not serve, "" where it would."""
        found: dict[str, str] = self.ask("GET", "starts")["starts"]
        return found

    def markers(self) -> dict[str, list[str]]:
        """Return where a move's markers are now, by region: databases, tenants' files and tables."""
        found: dict[str, list[str]] = self.ask("GET", "markers")["markers"]
        return found

    def sites(self) -> dict[str, dict[str, Any]]:
        """Return where each region's sites answer: ``{region: {address, http, https, names, addresses}}``.

        ``names`` and ``addresses`` are those of the load balancer in the world's DNS. ``cloudfront`` in the place of a
        region is the distribution.
        """
        found: dict[str, dict[str, Any]] = self.ask("GET", "sites")["sites"]
        return found

    def save(self) -> None:
        """Write the world to its file now."""
        self.ask("POST", "save")

    def ask(self, method: str, what: str, body: dict[str, Any] | None = None, timeout_s: float = TIMEOUT_S) -> Any:
        """Send one request to the control path and return its JSON."""
        # Plain HTTP to loopback: no proxy of the environment gets the token, and no certificates are loaded, which
        # takes longer than an answer.
        connection = HTTPConnection(self.url.partition("//")[2], timeout=timeout_s)
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/_sandbox/{what}", content, {TOKEN_HEADER: self.token})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as silent:
            raise SandboxError(f"The sandbox at {self.url} does not answer: {silent}") from silent
        finally:
            connection.close()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise SandboxError(_sentence(text, answer.status))
        return json.loads(text)


def _sentence(body: bytes, status: int) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return f"The sandbox answered {status}"


def to_json(endpoint: Endpoint) -> dict[str, Any]:
    """Return ``endpoint`` as JSON-ready values."""
    return asdict(endpoint)


def from_json(data: dict[str, Any]) -> Endpoint:
    """Return the Endpoint ``to_json`` wrote. Raises KeyError or TypeError where it is something else."""
    people = {person: AccessKeys(**keys) for person, keys in data["people"].items()}
    dns = (str(data["dns"][0]), int(data["dns"][1])) if data.get("dns") else None
    return Endpoint(**{**data, "people": people, "dns": dns})


def read(path: Path) -> Endpoint | None:
    """Return the endpoint kept in ``path``, or None where there is none that can be read."""
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
