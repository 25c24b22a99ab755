"""Ways to read one world, each run as a process of its own so that its CPU and memory can be measured.

``python -m benchmarks.readers WAY [TENANTS or FILE]`` looks at AWS_ENDPOINT_URL with the keys of the environment and
prints one JSON object: seconds of looking, API calls, unseen parts.
"""

from __future__ import annotations

import atexit
import gc
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dr_estate.aws.immutable_answers import ImmutableAnswers, load
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.unavailable import DataUnavailable, Unavailable

if TYPE_CHECKING:
    from dr_estate.aws.read_client import ReadClient
    from dr_estate.aws.recording import ExchangeRecorder

ENVIRONMENTS = Path(__file__).parents[1] / "environments"
Outcome = dict[str, float | int | str]
# A part that is given up costs no time: no measurement may depend on the deadline.
_LONG_DEADLINE_S = 3600
_PATIENCE_S = 600


def concurrently(environment: Environment) -> Outcome:
    """The product's own way: ``observe``."""
    return _outcome_of(environment, ImmutableAnswers())


def patiently(environment: Environment) -> Outcome:
    """The same, waiting long for each answer: an emulator of thousands of tenants takes longer than any of AWS."""
    observation = environment.observation.model_copy(update={"read_timeout_s": _PATIENCE_S})
    return concurrently(environment.model_copy(update={"observation": observation}))


def paced(environment: Environment) -> Outcome:
    """The product's own way with AWS's published rates kept to, as on AWS."""
    return _outcome_of(environment, ImmutableAnswers(), paced=True)


def again(environment: Environment) -> Outcome:
    """The product's own way with what an earlier run left in the file of argv."""
    answers = load(Path(sys.argv[2]), "benchmark")
    outcome = _outcome_of(environment, answers)
    answers.save(Path(sys.argv[2]), "benchmark")
    return outcome


def recorded(environment: Environment) -> Outcome:
    """The product's own way; its requests are written into the file of argv, for ``benchmarks.floor``."""
    from benchmarks.floor import RequestFile

    requests = RequestFile()
    outcome = _outcome_of(environment, ImmutableAnswers(), recorder=cast("ExchangeRecorder", requests))
    requests.write(Path(sys.argv[2]))
    return outcome


def _outcome_of(
    environment: Environment,
    immutable: ImmutableAnswers,
    *,
    paced: bool = False,
    recorder: ExchangeRecorder | None = None,
) -> Outcome:
    from dr_estate.aws.read_client import Credentials
    from dr_estate.snapshot.observer import observe

    began = time.monotonic()
    snapshot = observe(environment, Credentials(paced=paced, immutable=immutable, recorder=recorder), "benchmark")
    unseen = len(snapshot.unavailable_parts())
    return {"look_s": time.monotonic() - began, "calls": snapshot.api_calls, "unseen": unseen}


def one_by_one(environment: Environment) -> Outcome:
    """The same readers and batch calls, one call after another: what concurrency alone gains."""
    from dr_estate.aws.read_client import Credentials, ReadClient
    from dr_estate.snapshot.registry import reads

    began = time.monotonic()
    client = ReadClient(environment, reads(), Credentials())
    client.prove_account()
    values = read_in_turn(client)
    unseen = sum(isinstance(value, Unavailable) for value in values.values())
    return {"look_s": time.monotonic() - began, "calls": client.calls.total(), "unseen": unseen}


def read_in_turn(client: ReadClient) -> dict[tuple[str, Side], Any]:
    """Every part, read by one thread at a time, those a part builds on first. What cannot be seen is Unavailable."""
    from dr_estate.reading.reader import ReadContext, Section
    from dr_estate.reading.workers import PoolWorkers
    from dr_estate.snapshot.registry import readers

    now, worker = datetime.now(UTC), PoolWorkers(1)
    done: dict[tuple[str, Side], Future[Section]] = {}

    def read(name: str, side: Side) -> Future[Section]:
        if (name, side) not in done:
            future: Future[Section] = Future()
            done[name, side] = future
            context = ReadContext(client, side, client.environment.region(side), now, worker, read)
            try:
                future.set_result(Section(readers()[name].read(context), tuple(context.unreadable)))
            except DataUnavailable as error:
                future.set_result(Section(error.unavailable))
        return done[name, side]

    for reader in readers().values():
        for side in reader.sides:
            read(reader.name, side)
    worker.end()
    return {key: future.result().value for key, future in done.items()}


def naively(environment: Environment) -> Outcome:
    """The per-tenant facts alone, as a loop over tenants reads them: boto3, no batch, no concurrency."""
    from benchmarks.naive import read_estate

    began = time.monotonic()
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else None
    calls, tenants = read_estate(environment, limit)
    return {"look_s": time.monotonic() - began, "calls": calls, "unseen": 0, "tenants": tenants}


WAYS: dict[str, Callable[[Environment], Outcome]] = {
    "observe": concurrently,
    "patient": patiently,
    "paced": paced,
    "again": again,
    "record": recorded,
    "one-by-one": one_by_one,
    "naive": naively,
}


def main() -> None:
    """Read once and print the outcome."""
    environment = load_environment(ENVIRONMENTS, "sit")
    observation = environment.observation.model_copy(update={"deadline_s": _LONG_DEADLINE_S})
    gc.set_threshold(500_000, 50, 100)  # this line and the next as the command line does
    atexit.register(gc.freeze)
    way, environment = sys.argv[1], environment.model_copy(update={"observation": observation})
    print(json.dumps(WAYS[way](environment)))


if __name__ == "__main__":
    main()
