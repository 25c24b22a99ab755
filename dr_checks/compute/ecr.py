"""Checks of ECR: repositories, replication, and the digests of running images in the DR region."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dr_checks.compute.images import by_name, digests_in_use
from dr_checks.core.model import (
    PRIMARY_ONLY,
    Area,
    Finding,
    Lag,
    Remedy,
    Severity,
    View,
    check,
    cite,
    if_replicated,
    lag_source,
    weigh,
)
from dr_estate.config.environment import Side
from dr_estate.model.references import resource_of
from dr_estate.model.stores import IMAGES
from dr_estate.model.unavailable import Unavailable, understand
from dr_estate.readers import ecr, ecs, platform_resources


@check("every image repository in use exists in the DR region")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T21", "EcsImagePullableInRegion", "REL13-BP02", "NIST CP-7")
def repository_exists(view: View) -> Iterator[Finding]:
    """The repositories that this region's task definitions name exist in its registry. Source: ECR DescribeImages."""
    repositories = view.get(ecr.repositories)
    if not repositories:
        yield from _foreign_registries(view)
    for repository in repositories:
        if isinstance(repository.images, Unavailable):
            yield view.unknown(repository.name, "present", repository.images)
        elif repository.images is not None:
            yield view.ok(repository.name, f"{len(repository.images)} images", "present", "images can be pulled")
        else:
            reason = f"no image of it can be pulled in {view.region}"
            yield view.gap(repository.name, "absent", "present", reason, _creation_remedy(view, repository))


def _foreign_registries(view: View) -> Iterator[Finding]:
    """That all images are of a registry that belongs to no region; nothing where a definition was not seen."""
    seen = view.get(ecs.task_definitions)
    read = [definition for definition in seen if isinstance(definition, ecs.TaskDefinition)]
    of_ecr = [c.image for definition in read for c in definition.containers if ecr.image_ref(c.image).region]
    # Without any definition the check has looked at nothing, and is UNKNOWN: an empty region is no proof.
    if read and len(read) == len(seen) and not of_ecr:
        yield view.none_expected("all repositories", "no task definition names an image of this account's ECR")


def _creation_remedy(view: View, repository: ecr.Repository) -> Remedy:
    if repository.account != view.env.account:
        return Remedy(f"Account {repository.account} creates it in {view.region}, and admits this one by its policy.")
    command = view.command("ecr", "CreateRepository", repositoryName=repository.name, **_tags(view, repository.name))
    sentence = "Create it, then push again: replication copies only what is pushed after it is switched on."
    return Remedy(sentence, (command,))


def _tags(view: View, name: str) -> dict[str, str]:
    """Whether tags may be moved as the primary's repository of the name has it; nothing where that is not seen."""
    found = view.read_for_remedy(platform_resources.listings, Side.PRIMARY) or ()
    shapes = (dict(shape) for row in found for arn, shape in row.shapes if resource_of(arn) == ("ecr:repository", name))
    return next(({"imageTagMutability": shape["tags"]} for shape in shapes), {})


@check("the primary region's image registry replicates every repository in use to the DR region")
@weigh(Severity.CRITICAL, Area.REPLICATION, PRIMARY_ONLY, applies=if_replicated)
@cite("T21", "EcrReplicationRule", "REL09-BP03", "NIST CP-9")
def replication_rule(view: View) -> Iterator[Finding]:
    """A rule names the DR region and covers the repository by prefix, or all. Source: ECR DescribeRegistry, T21."""
    target, rules = view.env.regions.dr, view.get(ecr.replication_rules)
    # Tasks pull from the registry of this account: a rule may lead to the region, and into another one's.
    here = [rule for rule in rules if (target, view.env.account) in rule.destinations]
    names = sorted({r.name for r in view.get(ecr.repositories) if r.account == view.env.account})
    if not names:
        yield from _foreign_registries(view)
    for name in names:
        # A rule without a filter takes every repository (ECR guide, private image replication).
        if any(not rule.prefixes or any(name.startswith(p) for p in rule.prefixes) for rule in here):
            reason = "new pushes reach the DR registry"
            yield view.ok(name, f"replicated to {target}", f"replicated to {target}", reason)
        else:
            measured = f"{len(rules)} rule(s), none for it to {target}"
            reason = "the next release would not reach the DR region: a failover would start an old release or none"
            # PutReplicationConfiguration replaces all rules: those that stand are written again with the new one.
            new = ecr.ReplicationRule(((view.env.regions.dr, view.env.account),), (name,))
            rows = [
                {
                    "destinations": [
                        {"region": region, "registryId": account} for region, account in rule.destinations
                    ],
                    "repositoryFilters": [{"filter": prefix, "filterType": "PREFIX_MATCH"} for prefix in rule.prefixes],
                }
                for rule in (*rules, new)
            ]
            remedy = Remedy(
                f'aws_ecr_replication_configuration: destination.region = "{target}", repository_filter = "{name}".',
                (view.command("ecr", "PutReplicationConfiguration", replicationConfiguration={"rules": rows}),),
            )
            yield view.gap(name, measured, f"replicated to {target}", reason, remedy)


@check(
    "every image that the primary region runs is in the DR region's registry, by digest",
    none=("all images", "no task of the primary region names an ECR image"),
)
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T21", "EcrDigestPresent", "EcsImagePullableInRegion", "REL09-BP01", "NIST CP-9")
def digest_present(view: View) -> Iterator[Finding]:
    """The digests of running tasks are in the DR repository of that name. Source: ECR DescribeImages, T21."""
    there = by_name(view, Side.DR)
    used = sorted(digests_in_use(view))
    for name, digest in used:
        subject, images = f"{name}@{digest}", there[name].images if name in there else None
        if isinstance(images, Unavailable):
            yield view.unknown(subject, "in the DR registry", images)
        elif images and any(image.digest == digest for image in images):
            yield view.ok(subject, "present", "in the DR registry", "the running image can start there")
        else:
            registries = [
                f"{view.env.account}.dkr.ecr.{r}.amazonaws.com" for r in (view.env.regions.primary, view.region)
            ]
            measured = "absent" if images is not None else "its repository is absent"
            reason = f"the image that serves today cannot be pulled in {view.region}"
            remedy = Remedy("Push it there.", (f"crane copy {registries[0]}/{subject} {registries[1]}/{name}",))
            yield view.gap(subject, measured, "in the DR registry", reason, remedy)


@check(
    "no image repository of the DR region expires images sooner than the primary region's",
    none=("all repositories", "none is in both regions: see ecr.repository-exists"),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T21", "EcrDigestPresent", "REL09-BP01", "NIST CP-9")
def kept_as_long(view: View) -> Iterator[Finding]:
    """Replication copies no lifecycle policy: a rule that the DR region alone has expires what the primary keeps.

    Source: ECR GetLifecyclePolicy; T21.
    """
    wanted, there, here = "no rule but the primary's", by_name(view, Side.PRIMARY), by_name(view, Side.DR)
    names = sorted(name for name in there.keys() & here.keys() if here[name].images is not None)
    for name in names:
        texts = (there[name].lifecycle, here[name].lifecycle)
        dark = next((text for text in texts if isinstance(text, Unavailable)), None)
        if dark:
            yield view.unknown(name, wanted, dark)
            continue
        theirs, mine = (_rules(view, name, str(text)) for text in texts)
        # Rules of the primary region expire images there too; only those that the DR region has alone lose what is
        # still run.
        if mine <= theirs:
            yield view.ok(name, f"{len(mine)} rules, the primary's", wanted, "images are kept as long as there")
        else:
            reason = "the images of a release may be gone from here while the primary region still runs it"
            # The command that deletes the policy where the primary region has none; else Terraform has to change it.
            deletion_commands = (
                () if str(texts[0]) else (view.command("ecr", "DeleteLifecyclePolicy", repositoryName=name),)
            )
            remedy = Remedy(f"aws_ecr_lifecycle_policy of {name}: as the primary's.", deletion_commands)
            yield view.gap(name, f"{len(mine - theirs)} rules of its own", wanted, reason, remedy)


def _rules(view: View, name: str, text: str) -> set[str]:
    """The rules of a lifecycle policy, without their order and description. Raises DataUnavailable."""

    def rules() -> set[str]:
        rows = json.loads(text).get("rules", []) if text else []
        return {json.dumps([row["selection"], row["action"]], sort_keys=True) for row in rows}

    return understand(rules, f"The lifecycle policy of {name}", view.region)


@lag_source(IMAGES)
def images(view: View) -> Iterator[Lag]:
    """How old the oldest image in use is that the DR registry lacks; 0 where it holds all that run. Source: T21."""
    if not view.env.replicates:
        return
    there, here, used = by_name(view, Side.DR), by_name(view, Side.PRIMARY), digests_in_use(view)
    for name in sorted({name for name, _ in used}):
        copied, origin = (side[name].images if name in side else None for side in (there, here))
        if isinstance(copied, Unavailable) or not isinstance(origin, tuple):
            basis = "ECR replication: the registry could not be seen"
            unavailable = next((registry for registry in (copied, origin) if isinstance(registry, Unavailable)), None)
            yield Lag(IMAGES.id, name, None, Side.DR, None, basis, unseen=unavailable)
            continue
        missing = {digest for repository, digest in used if repository == name} - {i.digest for i in copied or ()}
        pushed = [image.pushed_at for image in origin if image.digest in missing]
        # Images have no lag metric: the copy trails by the age of the oldest image in use that it lacks (T21).
        seconds = (view.now - min(pushed)).total_seconds() if pushed else None if missing else 0.0
        lacks = f"images in use that are missing: {len(missing)}" if missing else "every image in use is there"
        yield Lag(IMAGES.id, name, None, Side.DR, seconds, f"ECR replication: {lacks}")
