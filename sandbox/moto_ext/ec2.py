"""EC2: the tasks' network interfaces and addresses, and which regions the account opted in to (T16, T33).

The emulator knows neither the interfaces of Fargate tasks nor that some regions are opt-in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any

from moto.ec2.exceptions import InvalidNetworkInterfaceIdError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.availability_zones_and_regions import Region
from moto.ec2.models.dhcp_options import DHCPOptionsSet
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.route_tables import Route, RouteTable
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.utils import generic_filter
from moto.ecs.models import ecs_backends
from moto.elbv2.models import elbv2_backends
from moto.moto_api._internal import mock_random

from sandbox.core.patching import attach, attach_property, attribute, offset, wrap
from sandbox.moto_ext.account import opt_in_word
from sandbox.moto_ext.ecs.tasks import addresses_taken, alive, all_tasks, mac_of
from sandbox.moto_ext.route53.route53 import addresses_of

# The first four addresses of a subnet and its last one (VPC guide, subnet sizing).
NOT_GIVEN_OUT = 5
ECS_REQUESTER = "arn:aws:iam::aws:role/AWSServiceRoleForECS"
ELB_REQUESTER = "amazon-elb"


class ServiceInterface:
    """An interface that an AWS service keeps, with the attributes the emulator filters and answers by."""

    interface_type, status = "interface", "in-use"
    source_dest_check = requester_managed = True
    instance = attachment = attachment_id = public_ip = None

    def __init__(
        self, backend: EC2Backend, name: str, subnet: str, address: str, groups: Iterable[str], facts: Mapping[str, str]
    ) -> None:
        """``facts``: what AWS writes of it: description, mac and requester, and the public address where it has one."""
        self.ec2_backend = backend
        self.id = name
        self.subnet = backend.get_subnet(subnet)
        self.subnet_id, self.vpc_id = self.subnet.id, self.subnet.vpc_id
        self.availability_zone = self.subnet.availability_zone
        self.owner_id = backend.account_id
        self.description, self.mac_address, self.requester_id = facts["description"], facts["mac"], facts["requester"]
        self.private_ip_address = address
        self.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]
        self.private_dns_name = f"ip-{address.replace('.', '-')}.{backend.region_name}.compute.internal"
        self.groups_by_id = [backend.get_security_group_from_id(group) for group in groups]
        self.group_set = [group for group in self.groups_by_id if group]
        public = facts.get("public", "")
        self.association = {"PublicIp": public, "IpOwnerId": self.requester_id} if public else {}
        self.network_interface_ipv6_addresses_list: list[dict[str, str]] = []
        self.ipv6_addresses: list[str] = []
        self.tags: list[dict[str, str]] = []

    def get_tags(self) -> list[dict[str, str]]:
        """No tags."""
        return self.tags

    def get_filter_value(self, filter_name: str, _: str | None = None) -> Any:
        """The value that a DescribeNetworkInterfaces filter of this name compares with."""
        values = {
            "network-interface-id": self.id,
            "addresses.private-ip-address": self.private_ip_address,
            "private-ip-address": self.private_ip_address,
            "subnet-id": self.subnet_id,
            "vpc-id": self.vpc_id,
            "group-id": [group.id for group in self.group_set],
            "availability-zone": self.availability_zone,
            "description": self.description,
            "status": self.status,
            "interface-type": self.interface_type,
            "requester-managed": "true",
        }
        return values.get(filter_name)


def interfaces_of_tasks(backend: EC2Backend) -> list[ServiceInterface]:
    """The interfaces of every live task of the region."""
    place = f"arn:aws:ecs:{backend.region_name}:{backend.account_id}:attachment"
    ecs = ecs_backends[backend.account_id][backend.region_name]
    return [
        ServiceInterface(
            backend,
            task.interface,
            task.subnet,
            task.address,
            task.groups,
            {"description": f"{place}/{task.id}", "mac": mac_of(task), "requester": ECS_REQUESTER},
        )
        for task in alive(all_tasks(ecs).values())
        # A task that was never placed has no interface.
        if task.address
    ]


def interfaces_of_balancers(backend: EC2Backend) -> list[ServiceInterface]:
    """The interfaces of the region's load balancers, one a subnet, by which their public addresses are known.

    Their description names them: ``ELB app/<name>/<id>`` (ELB guide, "Security groups for your Application Load
    Balancer"; the knowledge center's "Find the IP address of a load balancer").
    """
    found = []
    for balancer in elbv2_backends[backend.account_id][backend.region_name].load_balancers.values():
        name = balancer.arn.partition(":loadbalancer/")[2]
        # One interface a subnet and as many addresses: strict=False, as addresses are always two.
        for subnet, public in zip(balancer.subnets, addresses_of(balancer.dns_name), strict=False):
            digest = sha256(f"{balancer.arn} {subnet.id}".encode()).hexdigest()
            facts = {"description": f"ELB {name}", "requester": ELB_REQUESTER, "public": public}
            facts["mac"] = "02:" + ":".join(digest[at : at + 2] for at in range(0, 10, 2))
            # The highest address that can be given out: tasks take theirs from the lowest on.
            address = str(subnet.cidr.broadcast_address - 1)
            groups = balancer.security_groups
            found.append(ServiceInterface(backend, f"eni-{digest[:17]}", subnet.id, address, groups, facts))
    return found


def interface_count(account: str, region: str) -> int:
    """How many interfaces the region holds, those of live tasks and load balancers included."""
    tasks = alive(all_tasks(ecs_backends[account][region]).values())
    backend = ec2_backends[account][region]
    return len(backend.enis) + len(interfaces_of_balancers(backend)) + sum(1 for task in tasks if task.address)


@attach(ElasticNetworkInterfaces)
def describe_network_interfaces(self: ElasticNetworkInterfaces) -> Any:
    """Interfaces of tasks and load balancers beside the emulator's own, a thousand a page.

    Raises InvalidNetworkInterfaceID.NotFound.
    """
    from moto.core.responses import ActionResult

    ids, filters = self._get_param("NetworkInterfaceIds", []), self._filters_from_querystring()
    ours = [*interfaces_of_tasks(self.ec2_backend), *interfaces_of_balancers(self.ec2_backend)]
    mine = [interface for interface in ours if not ids or interface.id in ids]
    interfaces = list(self.ec2_backend.enis.values())
    known = [interface for interface in interfaces if not ids or interface.id in ids]
    # One unknown id refuses the whole call (API_DescribeNetworkInterfaces).
    if missing := set(ids) - {interface.id for interface in (*known, *mine)}:
        raise InvalidNetworkInterfaceIdError(min(missing))
    found = generic_filter(filters, [*known, *mine])
    token = self._get_param("NextToken")
    wrong = f"Value ( {token} ) for parameter NextToken is invalid. The token is invalid."
    start = offset(token, "InvalidParameterValue", wrong)
    end = start + int(self._get_param("MaxResults") or 1000)
    token = str(end) if end < len(found) else None
    return ActionResult({"NetworkInterfaces": found[start:end], "NextToken": token})


@attach_property(Subnet)
def available_ip_address_count(self: Subnet) -> int:
    """Addresses left: AWS keeps five, every interface and every live task holds one."""
    interfaces = [eni for eni in self.ec2_backend.enis.values() if eni.subnet.id == self.id]
    taken = sum(len(eni.private_ip_addresses) for eni in interfaces)
    ecs = ecs_backends[self.ec2_backend.account_id][self.ec2_backend.region_name]
    return int(self.cidr.num_addresses) - NOT_GIVEN_OUT - taken - addresses_taken(ecs, self.id)


@attach(EC2Backend)
def describe_regions(self: EC2Backend, region_names: list[str] | None = None) -> list[Region]:
    """The regions of this account's partition with its own opt-in status."""
    regions = [
        Region(region.name, region.endpoint, opt_in_word(self.account_id, region.name))
        for region in self.regions
        if region.name.startswith(("us-gov-", "cn-")) == self.region_name.startswith(("us-gov-", "cn-"))
    ]
    return [region for region in regions if not region_names or region.name in region_names]


@attach_property(Route)
def state(self: Route) -> str:
    """A route to what was deleted, or is not attached to the VPC, is a black hole. Source: EC2 API Reference, Route."""
    interfaces = self.route_table.ec2_backend.enis
    attachments = self.route_table.ec2_backend.transit_gateway_attachments.values()
    attached = {row.transit_gateway_id for row in attachments if row.resource_id == self.route_table.vpc_id}
    # moto's routes are active for ever.
    is_gone = (
        (self.nat_gateway is not None and self.nat_gateway.state == "deleted")
        or (self.interface is not None and self.interface.id not in interfaces)
        or (self.vpc_pcx is not None and self.vpc_pcx.status["Code"] == "deleted")
        or (self.transit_gateway is not None and self.transit_gateway.id not in attached)
    )
    return "blackhole" if is_gone else "active"


@wrap(EC2Backend, "associate_dhcp_options")
def _associate_dhcp_options(original: Callable[..., None], self: EC2Backend, dhcp_options: Any, vpc: Any) -> None:
    """The VPC's former options are free again, unless another VPC has them. Source: API_DeleteDhcpOptions."""
    former = vpc.dhcp_options
    original(self, dhcp_options, vpc)
    if former is not None and former is not dhcp_options:
        # moto keeps the VPC on options that were replaced, so that they could never be deleted.
        former.vpc = next((other for other in self.vpcs.values() if other.dhcp_options is former), None)


def _default_options(backend: EC2Backend) -> DHCPOptionsSet:
    """The set that each VPC has until it is given another. Source: VPC User Guide, default DHCP option set."""
    id_ = f"dopt-{sha256(f'{backend.account_id} {backend.region_name}'.encode()).hexdigest()[:17]}"
    if id_ not in backend.dhcp_options_sets:
        # moto draws an id for it: those of what comes later stay as they were
        drawn = mock_random.getstate()
        options = DHCPOptionsSet(backend, ["AmazonProvidedDNS"], f"{backend.region_name}.compute.internal")
        mock_random.setstate(drawn)
        options.id = id_
        backend.dhcp_options_sets[id_] = options
    return backend.dhcp_options_sets[id_]


@attach_property(VPC)
def dhcp_options_id(self: VPC) -> str:
    """The id of the VPC's own options, else of the region's."""
    return str((self.dhcp_options or _default_options(self.ec2_backend)).id)


@wrap(EC2Backend, "describe_dhcp_options")
def _describe_dhcp_options(original: Callable[..., Any], self: EC2Backend, *args: Any, **kwargs: Any) -> Any:
    _default_options(self)
    return original(self, *args, **kwargs)


attribute(RouteTable, propagating_vgw_set=[])  # no VPN gateway propagates routes, as AWS reports
attribute(NetworkInterface, private_dns_name=None)  # unset by the emulator without DNS host names
