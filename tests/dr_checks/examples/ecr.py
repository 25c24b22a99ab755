"""Examples of the image registry checks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecr, ecs
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import (
    IN_DR,
    NEW,
    OLD,
    ONE,
    PSQL,
    REPOSITORY,
    TWO,
    D,
    P,
    both_services,
    definitions,
    image,
    repository,
    task,
    with_psql,
)
from tests.dr_checks.worlds import DENIED, SIT, Example, world

ABSENT = ecr.Repository(SIT.account, REPOSITORY, None)
UNSEEN = ecr.Repository(SIT.account, REPOSITORY, DENIED)
TO_DR = ecr.ReplicationRule(((D, SIT.account),), ("sit-",))
OF_HUB, STRANGER = "docker.io/library/wordpress:6", "210987654321"
THEIRS = {"image": image(D, ":live").replace(SIT.account, STRANGER)}
HELD = (repository(NEW, OLD),)
RUNNING = (task(ONE), task(TWO))


def _estate(
    here: Any = HELD,
    tasks: Any = RUNNING,
    changes: dict[str, Any] | None = None,
    rules: Any = (TO_DR,),
    there: Any = HELD,
    model: str = "",
) -> Snapshot:
    """``model`` is the image of the second tenant in the primary region, "" for that of our registry."""
    return world(
        {
            (ecs.services, Side.DR): both_services(),
            (ecs.tasks, Side.PRIMARY): tasks,
            (ecs.task_definitions, Side.PRIMARY): definitions(P, changes={"image": model} if model else None),
            (ecs.task_definitions, Side.DR): definitions(D, changes=changes),
            (ecr.repositories, Side.PRIMARY): there,
            (ecr.repositories, Side.DR): here,
            (ecr.replication_rules, Side.PRIMARY): rules,
        }
    )


DIGEST = frozenset({f"{REPOSITORY}@{NEW}"})


def _lifecycle(here: Any, there: str = "") -> Snapshot:
    """The lifecycle policies of the repository in the DR and in the primary region."""
    rows = {side: (replace(HELD[0], lifecycle=text),) for side, text in (("here", here), ("there", there))}
    return _estate(rows["here"], there=rows["there"])


def _rules(*days: int) -> str:
    rows = [{"rulePriority": n, "selection": {"countNumber": d}, "action": {}} for n, d in enumerate(days)]
    return json.dumps({"rules": rows})


EXAMPLES = [
    Example("ecr.kept-as-long", Status.PASS, _lifecycle("")),
    Example("ecr.kept-as-long", Status.PASS, _lifecycle("", _rules(30))),
    Example("ecr.kept-as-long", Status.PASS, _lifecycle(_rules(90, 30), _rules(30, 90))),
    Example("ecr.kept-as-long", Status.FAIL, _lifecycle(_rules(30)), frozenset({REPOSITORY})),
    Example("ecr.kept-as-long", Status.FAIL, _lifecycle(_rules(30, 7), _rules(30)), frozenset({REPOSITORY})),
    Example("ecr.kept-as-long", Status.UNKNOWN, _lifecycle(DENIED), frozenset({REPOSITORY})),
    Example("ecr.kept-as-long", Status.UNKNOWN, _lifecycle("nonsense")),
    Example("ecr.kept-as-long", Status.UNKNOWN, _estate(there=DENIED)),
    Example("ecr.kept-as-long", Status.NOT_APPLICABLE, _estate((ABSENT,))),
    Example("ecr.repository-exists", Status.PASS, _estate()),
    Example("ecr.repository-exists", Status.FAIL, _estate((ABSENT,)), frozenset({REPOSITORY})),
    Example("ecr.repository-exists", Status.UNKNOWN, _estate((UNSEEN,))),
    Example("ecr.replication-rule", Status.PASS, _estate()),
    Example("ecr.replication-rule", Status.PASS, _estate(rules=(ecr.ReplicationRule(((D, SIT.account),), ()),))),
    Example("ecr.replication-rule", Status.FAIL, _estate(rules=()), frozenset({REPOSITORY})),
    Example("ecr.replication-rule", Status.FAIL, _estate(rules=(ecr.ReplicationRule((("eu-north-1", "1"),), ()),))),
    Example("ecr.replication-rule", Status.FAIL, _estate(rules=(ecr.ReplicationRule(((D, "1"),), ("other",)),))),
    Example("ecr.replication-rule", Status.FAIL, _estate(rules=(ecr.ReplicationRule(((D, "1"),), ()),))),
    Example("ecr.replication-rule", Status.UNKNOWN, _estate(rules=DENIED)),
    Example("ecr.digest-present", Status.PASS, _estate()),
    Example("ecr.digest-present", Status.PASS, _estate(tasks=(task(ONE, digest=OLD),))),
    Example("ecr.digest-present", Status.FAIL, _estate((repository(OLD),)), DIGEST),
    Example("ecr.digest-present", Status.FAIL, _estate((repository(OLD),), tasks=()), DIGEST),
    Example("ecr.digest-present", Status.FAIL, _estate((ABSENT,)), DIGEST),
    Example("ecr.digest-present", Status.UNKNOWN, _estate((UNSEEN,))),
    Example("ecr.digest-present", Status.UNKNOWN, _estate(tasks=DENIED)),
    Example("images.parity", Status.PASS, _estate()),
    Example("images.parity", Status.PASS, _estate(changes={"image": image(D, ":live")})),
    Example("images.parity", Status.PASS, _estate(tasks=())),
    Example("images.parity", Status.FAIL, _estate(changes={"image": image(D, f"@{OLD}")}), frozenset({"sit-tenant2"})),
    Example("images.parity", Status.FAIL, _estate((repository(OLD),), changes={"image": image(D, ":live")})),
    Example("images.parity", Status.PASS, _estate((ABSENT,), changes={"image": image(D, ":live")})),
    Example("images.parity", Status.UNKNOWN, _estate(tasks=DENIED)),
    Example("images.parity", Status.FAIL, _estate(changes={"image": OF_HUB}), frozenset({"sit-tenant2"})),
    Example("images.parity", Status.FAIL, _estate(changes={"image": OF_HUB}, model=f"{OF_HUB}-apache")),
    Example("images.parity", Status.PASS, _estate(changes={"image": OF_HUB}, model=OF_HUB)),
    Example("images.parity", Status.PASS, _estate(changes={"image": f"r.io/wp@{OLD}"}, model=f"ghcr.io/wp@{OLD}")),
    Example(
        "images.present", Status.FAIL, _estate((*HELD, replace(ABSENT, images=(), account=STRANGER)), changes=THEIRS)
    ),
    Example("ecr.repository-exists", Status.FAIL, _estate((*HELD, replace(ABSENT, account=STRANGER)), changes=THEIRS)),
    Example("images.present", Status.PASS, _estate()),
    Example("images.present", Status.PASS, _estate(changes={"image": image(D, ":live")})),
    Example("images.present", Status.PASS, _estate(changes={"image": "public.ecr.aws/docker/wordpress:6"})),
    Example("images.present", Status.NOT_APPLICABLE, _estate((ABSENT,))),  # ecr.repository-exists reports it
    Example("images.present", Status.FAIL, _estate(changes={"image": image(D, ":none")}), frozenset({"sit-tenant2"})),
    Example("images.present", Status.FAIL, _estate((repository(OLD),)), frozenset({"sit-tenant2"})),
    Example("images.present", Status.UNKNOWN, _estate((UNSEEN,))),
    Example("images.present", Status.PASS, with_psql(_estate()), env=PSQL),
    Example("images.present", Status.WARN, with_psql(_estate(), image=image(D, ":none")), IN_DR, PSQL),
    Example("images.present", Status.WARN, with_psql(_estate(), ()), IN_DR, PSQL),
    Example("images.present", Status.UNKNOWN, with_psql(_estate(), DENIED), env=PSQL),
]
