"""By which way requests of a side's tasks reach AWS, as conditions on the network see them: the VPC's endpoint, or NAT.

Source: IAM User Guide, "AWS global condition context keys" (properties of the network): through an endpoint a request
has aws:SourceVpce and aws:SourceVpc and no aws:SourceIp, and any other way it has an address and neither of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of
from dr_estate.model import states
from dr_estate.readers.vpc import NatGateway, Vpc, VpcEndpoint

_KEYS = ("aws:sourcevpc", "aws:sourceip", "aws:vpcsourceip", "aws:viaaws", "aws:principalisaws")
_OF_ENDPOINTS = ("aws:SourceVpce", "aws:SourceVpc", "aws:VpcSourceIp")
# The endpoints that take an action, where they are not called like its service: images are pulled by both.
_SERVICES = {"ecr:GetAuthorizationToken": ("ecr.api",), "ecr": ("ecr.api", "ecr.dkr")}
# A service asks for a key in the task's name, and files are reached by mount targets: of neither is it documented here.
_THROUGH_OTHERS = frozenset({"elasticfilesystem", "kms"})
_ITSELF = (("aws:ViaAWSService", "false"), ("aws:PrincipalIsAWSService", "false"))


def tests_network(policy: str) -> bool:
    """Whether a policy has a condition that is decided here: few have, and only then is the network looked at."""
    return any(key in policy.lower() for key in _KEYS)


@dataclass(frozen=True, slots=True)
class NetworkWay:
    """What a request has by one way: ``known`` keys with their values, and the keys that it has not."""

    known: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkWays:
    """The network of one side's tasks."""

    network: Vpc | None
    endpoints: tuple[VpcEndpoint, ...]
    gateways: tuple[NatGateway, ...]

    def answer(
        self, policy: str, request: PolicyRequest, ask: Callable[[str, PolicyRequest], PolicyAnswer] = answer_of
    ) -> PolicyAnswer:
        """What the policy says by all ways that the request may take; UNDECIDED where that differs."""
        answers = {
            ask(policy, replace(request, context=(*request.context, *way.known), absent=way.absent))
            for way in self.ways(request.action)
        }
        return answers.pop() if len(answers) == 1 else PolicyAnswer.UNDECIDED

    def ways(self, action: str) -> tuple[NetworkWay, ...]:
        """All ways that a task's request for ``action`` may take."""
        service = action.partition(":")[0]
        if service in _THROUGH_OTHERS:
            return (NetworkWay(),)
        named = _SERVICES.get(action) or _SERVICES.get(service) or (service,)
        return tuple(dict.fromkeys(way for name in named for way in self._of_service(name)))

    def _of_service(self, service: str) -> Iterable[NetworkWay]:
        named = [row for row in self.endpoints if row.service == service]
        taking = [row for row in named if states.ENDPOINT[row.state].serves and _takes(row)]
        if taking:
            return [self._through(row) for row in taking]
        addresses = [address for row in self.gateways for address in _addresses(row)]
        by_address = [NetworkWay((*_ITSELF, ("aws:SourceIp", address)), _OF_ENDPOINTS) for address in addresses]
        return by_address or [NetworkWay(_ITSELF, _OF_ENDPOINTS)]

    def _through(self, endpoint: VpcEndpoint) -> NetworkWay:
        if not endpoint.id or self.network is None:
            return NetworkWay(_ITSELF)
        known = (("aws:SourceVpce", endpoint.id), ("aws:SourceVpc", self.network.id))
        return NetworkWay((*_ITSELF, *known), ("aws:SourceIp",))


def _takes(endpoint: VpcEndpoint) -> bool:
    return bool(endpoint.route_tables) if endpoint.kind == "Gateway" else endpoint.private_names


def _addresses(gateway: NatGateway) -> Iterator[str]:
    if gateway.public and not states.NAT_GATEWAY[gateway.state].gone:
        yield from gateway.addresses
