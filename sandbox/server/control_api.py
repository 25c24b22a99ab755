"""The control path ``/_sandbox/...``: what tests, benchmarks and commands ask of a running sandbox. JSON both ways."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Response

from sandbox.core.clock import CLOCK
from sandbox.core.deployed import DEPLOYED
from sandbox.core.errors import SandboxError
from sandbox.core.people import expire_session_keys, issue_session_keys
from sandbox.core.request_parser import Environ
from sandbox.core.state import STATE, Outage
from sandbox.core.timing import pace, set_pace
from sandbox.core.world_lock import WORLD_LOCK
from sandbox.world import fault_injection
from sandbox.world.call_recorder import played_scene
from sandbox.world.persistence import WorldStore, grow_older
from sandbox.world.world import World

# The names that /timing takes; what each means stands in timing.lag_s and Endpoint.timing.
TIMINGS = (
    "transition_s",
    "restore_s",
    "log_upload_s",
    "files_lag_s",
    "files_unseen_s",
    "replica_lag_s",
    "replica_unseen_s",
    "lag_published_s",
    "dns_lag_s",
    "slow_s",
    "quantile",
)
Answer = dict[str, Any]


class ControlApi:
    """Routes control requests. Each needs the token this run of the sandbox was started with.

    ``hooks`` are named after what they do: ``save()``, ``stop(save)``, ``counts()``, ``latency(s)``, ...
    """

    def __init__(self, token: str, world: World, hooks: dict[str, Callable[..., Any]]) -> None:
        self._token, self._world, self._hooks, self._keeper = token, world, hooks, WorldStore()
        self._routes: dict[tuple[str, str], Callable[[Answer], Answer]] = {
            ("GET", "state"): self._state,
            ("GET", "calls"): lambda _: {"calls": hooks["counts"]()},
            ("DELETE", "calls"): lambda _: self._call_hook("reset_counts"),
            ("GET", "mutations"): lambda _: {"mutations": hooks["mutations"]()},
            ("DELETE", "mutations"): lambda _: self._call_hook("reset_mutations"),
            ("POST", "keep"): self._keep,
            ("POST", "return"): self._return,
            ("POST", "age"): self._age,
            ("PUT", "timing"): self._timing,
            ("GET", "clock"): lambda _: CLOCK.description(),
            ("PUT", "clock"): self._clock,
            ("PUT", "pace"): self._pace,
            ("PUT", "sizes"): self._sizes,
            ("PUT", "image"): self._put_image,
            ("PUT", "rules"): self._pin,
            ("PUT", "enforcement"): self._enforce,
            ("GET", "enforcement"): lambda _: {"denied": STATE.extras.get("denied", [])},
            ("GET", "markers"): lambda _: self._markers(),
            ("GET", "starts"): self._starts,
            ("GET", "sites"): lambda _: {"sites": hooks["sites"]()},
            ("POST", "session-keys"): self._session_keys,
            ("DELETE", "session-keys"): self._expire,
            ("PUT", "latency"): lambda body: self._call_hook("latency", float(body["seconds"])),
            ("PUT", "past"): self._past,
            ("PUT", "objects"): self._fill,
            ("GET", "faults"): lambda _: {"faults": [_outage_values(o) for o in STATE.outages]},
            ("PUT", "faults"): self._begin,
            ("DELETE", "faults"): self._end,
            ("GET", "disasters"): self._disasters,
            ("POST", "break"): self._inject,
            ("POST", "mend"): self._repair,
            ("POST", "train"): lambda body: self._call_session("begin", str(body["name"])),
            ("POST", "debrief"): lambda body: self._call_session("debrief", bool(body.get("hint"))),
            ("DELETE", "train"): lambda _: self._call_session("end"),
            ("POST", "save"): lambda _: self._call_hook("save"),
            ("POST", "stop"): lambda body: {"unsaved": hooks["stop"](body.get("save", True))},
        }

    def __call__(self, environ: Environ) -> Response:
        """Answer one control request: 401 without the token, 404 for an unknown path, 409 with a sentence."""
        given = environ.get("HTTP_X_SANDBOX_TOKEN", "")
        # In constant time: a wrong token must not be found digit by digit.
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return _json({"error": "The control path needs the token of this sandbox."}, 401)
        name = environ["PATH_INFO"].removeprefix("/_sandbox/")
        route = self._routes.get((environ["REQUEST_METHOD"], name))
        if route is None:
            return _json({"error": f"There is no control '{environ['REQUEST_METHOD']} {name}'."}, 404)
        try:
            return _json(route(json.loads(environ["wsgi.input"].read() or b"{}")))
        except SandboxError as refused:
            return _json({"error": str(refused)}, 409)
        except (ValueError, KeyError, TypeError) as malformed:
            return _json({"error": f"The request to '{name}' is malformed: {malformed!r}"}, 400)

    def _call_hook(self, hook: str, *args: Any) -> Answer:
        self._hooks[hook](*args)
        return {}

    def _state(self, _: Answer) -> Answer:
        environment = self._world.environment
        return {
            "environment": environment.name,
            "account": environment.account,
            "tenants": list(STATE.tenants),
            "pid": os.getpid(),
            "faults": [_outage_values(o) for o in STATE.outages],
            "stopped": {region: when.isoformat() for region, when in STATE.stopped.items()},
            "disasters": sorted(STATE.disasters),
            "scene": played_scene().get("name", ""),
            "pace": pace(),
        }

    def _markers(self) -> Answer:
        from sandbox.moto_ext.data.marker_remains import remains

        environment = self._world.environment
        return {"markers": remains(environment.account, (environment.regions.primary, environment.regions.dr))}

    def _keep(self, body: Answer) -> Answer:
        self._keeper.keep(str(body["name"]))
        return {}

    def _return(self, body: Answer) -> Answer:
        from sandbox.moto_ext.ecs import processes

        # Before the exchange: a task's process that runs on would call into a world that it does not belong to.
        processes.end_all()
        self._keeper.return_to(str(body["name"]))
        self._hooks["changed"]()
        return {}

    def _age(self, body: Answer) -> Answer:
        grow_older(int(body["seconds"]))
        self._hooks["changed"]()
        return {}

    def _timing(self, body: Answer) -> Answer:
        wanted = {name: None if value is None else float(value) for name, value in body.items()}
        if strange := sorted(wanted.keys() - set(TIMINGS)):
            raise SandboxError(f"There is no timing {', '.join(strange)}: use {', '.join(TIMINGS)}.")
        with WORLD_LOCK:
            STATE.extras.update({name: value for name, value in wanted.items() if value is not None})
            # None takes the test's value back: the pace decides again.
            for name in (name for name, value in wanted.items() if value is None):
                STATE.extras.pop(name, None)
        self._hooks["changed"]()
        return {}

    def _clock(self, body: Answer) -> Answer:
        with WORLD_LOCK:
            CLOCK.set_speed(float(body["speed"]))
        self._hooks["changed"]()
        return CLOCK.description()

    def _pace(self, body: Answer) -> Answer:
        with WORLD_LOCK:
            self._count_checks()  # a health state from before the real pace need not last its threshold again
            set_pace(str(body["pace"]))
        self._hooks["changed"]()
        return {}

    def _sizes(self, body: Answer) -> Answer:
        from sandbox.moto_ext.data import store_sizes

        with WORLD_LOCK:
            store_sizes.set_database_gib(self._world.environment.account, int(body["database_gib"]))
            store_sizes.set_files(float(body["files_gib"]), float(body["kfiles"]))
        self._hooks["changed"]()
        return {}

    def _pin(self, body: Answer) -> Answer:
        from sandbox.server.pinned_rules import pin

        with WORLD_LOCK:
            pin(self._world, body)
        self._hooks["changed"]()
        return {}

    def _world_changed(self) -> None:
        with WORLD_LOCK:
            self._count_checks()
        self._hooks["changed"]()

    def _count_checks(self) -> None:
        from sandbox.moto_ext.route53.health import count_checks

        count_checks(self._world.environment.account)

    def _enforce(self, body: Answer) -> Answer:
        if not isinstance(body["on"], bool):
            raise TypeError("'on' is true or false")
        with WORLD_LOCK:
            # What was denied before belongs to another state of enforcement: the list starts empty.
            STATE.extras.update({"enforce_iam": body["on"], "denied": []})
        self._hooks["changed"]()
        return {}

    def _starts(self, _: Answer) -> Answer:
        from sandbox.moto_ext.ecs.trial_start import would_start

        env = self._world.environment
        with WORLD_LOCK:
            return {
                "starts": would_start(
                    env.account, env.regions.dr, env.regions.primary, env.named(env.names.state_bucket)
                )
            }

    def _session_keys(self, body: Answer) -> Answer:
        with WORLD_LOCK:
            keys = issue_session_keys(self._world.environment.account, str(body["person"]), float(body["valid_s"]))
        self._hooks["changed"]()
        return asdict(keys) | {"expires_at": keys.expires_at.isoformat()}

    def _expire(self, _: Answer) -> Answer:
        with WORLD_LOCK:
            expire_session_keys()
        self._hooks["changed"]()
        return {}

    def _put_image(self, body: Answer) -> Answer:
        DEPLOYED.environments = Path(body["environments"])
        return {}

    def _fill(self, body: Answer) -> Answer:
        from sandbox.moto_ext.s3.listing import fill

        with WORLD_LOCK:
            fill(self._world.environment.account, **body)
        self._hooks["changed"]()
        return {}

    def _past(self, body: Answer) -> Answer:
        with WORLD_LOCK:
            fault_injection.remember(str(body["region"]), float(body["ended_s_ago"]), float(body["lasted_s"]))
        self._hooks["changed"]()
        return {}

    def _begin(self, body: Answer) -> Answer:
        fault_injection.begin(Outage(**body))
        self._world_changed()
        return {}

    def _end(self, body: Answer) -> Answer:
        fault_injection.end(Outage(**body) if body else None)
        self._world_changed()
        return {}

    def _disasters(self, _: Answer) -> Answer:
        from sandbox.disasters import catalogue

        return {"disasters": [{**d.description(), "broken": d.name in STATE.disasters} for d in catalogue()]}

    def _inject(self, body: Answer) -> Answer:
        from sandbox.disasters import inject

        with WORLD_LOCK:
            touched = inject(self._world, body["name"])
        self._world_changed()
        return {"touched": sorted(touched)}

    def _repair(self, body: Answer) -> Answer:
        from sandbox.disasters import repair, repair_all

        with WORLD_LOCK:
            repaired = repair(self._world, body["name"]) if body.get("name") else repair_all(self._world)
        self._world_changed()
        return {"mended": repaired}

    def _call_session(self, what: str, *args: Any) -> Answer:
        from sandbox.training import session

        with WORLD_LOCK:
            response: Answer = getattr(session, what)(self._world, *args)
        self._hooks["changed"]()
        return response


def _outage_values(outage: Outage) -> Answer:
    """The outage as it was given."""
    return {name: value for name, value in asdict(outage).items() if name != "begun"}


def _json(body: Answer, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
