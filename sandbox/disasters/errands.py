"""What the platform owns beside its tenants, made in the primary region alone."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.world.world import World


@disaster(
    "errand-forgotten",
    "The nightly clean-up and its queue were made in the primary region alone",
    trips=("counterparts.in-dr-region",),
)
def errand_forgotten(world: World) -> None:
    """Delete the rule of the DR region, and make a queue without tags in the primary region."""
    name, queue = f"{world.environment.name}-nightly-cleanup", f"{world.environment.name}-cleanup-jobs"
    found = world.call(Side.DR, "events", "DescribeRule", Name=name)
    tags = world.call(Side.DR, "events", "ListTagsForResource", ResourceARN=found["Arn"])["Tags"]
    schedule = found["ScheduleExpression"]
    # Seeded without targets, so none is put back.
    world.undo(Side.DR, "events", "PutRule", Name=name, ScheduleExpression=schedule, Tags=tags)
    world.call(Side.DR, "events", "DeleteRule", Name=name)
    # Without tags: what was made by hand is found by its name alone.
    url = world.call(Side.PRIMARY, "sqs", "CreateQueue", QueueName=queue)["QueueUrl"]
    world.undo(Side.PRIMARY, "sqs", "DeleteQueue", QueueUrl=url)


@disaster(
    "errand-switched-off", "The nightly clean-up of the DR region is switched off", trips=("counterparts.in-dr-region",)
)
def errand_switched_off(world: World) -> None:
    """Disable the rule of the DR region."""
    name = f"{world.environment.name}-nightly-cleanup"
    world.undo(Side.DR, "events", "EnableRule", Name=name)
    world.call(Side.DR, "events", "DisableRule", Name=name)


@disaster(
    "errand-calls-the-primary",
    "The nightly clean-up of the DR region calls a function of the primary region, as it was copied from there",
    trips=("counterparts.in-dr-region",),
)
def errand_calls_the_primary(world: World) -> None:
    """Let the rule of the DR region call a function of the primary region."""
    env, name = world.environment, f"{world.environment.name}-nightly-cleanup"
    called = f"arn:aws:lambda:{env.regions.primary}:{env.account}:function:{env.name}-cleanup"
    world.undo(Side.DR, "events", "RemoveTargets", Rule=name, Ids=["clean"])
    world.call(Side.DR, "events", "PutTargets", Rule=name, Targets=[{"Id": "clean", "Arn": called}])


@disaster(
    "errand-at-another-time",
    "The nightly clean-up of the DR region runs once a year, as somebody set it while the region stood by",
    trips=("counterparts.in-dr-region",),
)
def errand_at_another_time(world: World) -> None:
    """Give the rule of the DR region another schedule."""
    name = f"{world.environment.name}-nightly-cleanup"
    before = world.call(Side.DR, "events", "DescribeRule", Name=name)["ScheduleExpression"]
    world.undo(Side.DR, "events", "PutRule", Name=name, ScheduleExpression=before)
    world.call(Side.DR, "events", "PutRule", Name=name, ScheduleExpression="cron(0 1 1 1 ? *)")
