"""What a recovery itself needs: the runbook where the DR region can read it."""

from __future__ import annotations

from sandbox.core.state import now
from sandbox.seeding.objects import location_of
from sandbox.seeding.site import Estate


def build(estate: Estate) -> None:
    """Put the reviewed runbook into its bucket in the DR region."""
    env, s3 = estate.environment, estate.dr.client("s3")
    place = env.named(env.people.runbook)
    if not place.startswith("s3://"):
        return
    bucket, _, key = place.removeprefix("s3://").partition("/")
    s3.create_bucket(Bucket=bucket, **location_of(estate.dr.region))
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    text = f"# Recovery runbook of {env.name}\n\nReviewed: {now().date()}\n\nSee the steps of docs/runbook.md.\n"
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/markdown")
