"""SSM parameters: the same names in both regions, each with the values of its own region."""

from __future__ import annotations

from sandbox.seeding.site import Estate, Site, as_list, internal_zone, tag_map


def build(estate: Estate) -> None:
    """Put the platform's parameters into both regions."""
    for site in estate.sites:
        for name, value in _values(site).items():
            site.client("ssm").put_parameter(
                Name=f"/{site.environment.name}/{name}",
                Value=value,
                Type="String",
                Description="Read by the platform's deployment",
                Tags=as_list(tag_map(site.environment)),
            )


def _values(site: Site) -> dict[str, str]:
    env = site.environment
    return {
        "database/host": f"db.{internal_zone(env)}",
        "wordpress/image": site.image,
        "network/vpc-id": site.vpc,
        "network/private-subnets": ",".join(site.private_subnets),
        "files/file-system-id": site.file_system,
        "balancing/load-balancer-arn": site.load_balancer,
    }
