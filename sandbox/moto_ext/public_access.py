"""EC2: Block Public Access of VPCs, which the emulator lacks: a mode a region, and exclusions of VPCs and subnets.

Source: VPC User Guide, "Block public access to VPCs and subnets"; API_ModifyVpcBlockPublicAccessOptions,
API_CreateVpcBlockPublicAccessExclusion.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC
from moto.ec2.responses import EC2Response
from moto.moto_api._internal import mock_random

from sandbox.core.patching import attach_property, operation, refused, state

OFF, INGRESS, BOTH = "off", "block-ingress", "block-bidirectional"
MODES = (OFF, INGRESS, BOTH)
# An exclusion for egress still blocks what comes in (VPC guide, exclusions).
_EXCLUSIONS = {"allow-bidirectional": OFF, "allow-egress": INGRESS}


def mode_of(backend: EC2Backend, vpc: str, subnet: str = "") -> str:
    """How packets of a VPC, or of one of its subnets, are treated at its internet gateway."""
    mode = str(state(backend, "public_access").get("mode", OFF))
    for row in state(backend, "public_access_exclusions").values():
        # An exclusion of a VPC is for all its subnets.
        if mode != OFF and row["ResourceArn"].rpartition("/")[2] in (vpc, subnet):
            return _EXCLUSIONS[row["InternetGatewayExclusionMode"]]
    return mode


@attach_property(Subnet)
@attach_property(VPC)
def block_public_access_states(self: Subnet | VPC) -> dict[str, str]:
    """What DescribeSubnets and DescribeVpcs say of it."""
    subnet = self.id if isinstance(self, Subnet) else ""
    vpc = str(self.vpc_id) if isinstance(self, Subnet) else self.id
    return {"InternetGatewayBlockMode": mode_of(self.ec2_backend, vpc, subnet)}


@operation(EC2Response, "modify_vpc_block_public_access_options", "describe_vpc_block_public_access_options")
def _options(response: EC2Response, params: dict[str, Any]) -> dict[str, Any]:
    backend = response.ec2_backend
    if (mode := params.get("InternetGatewayBlockMode", OFF)) not in MODES:
        raise refused("InvalidParameterValue", f"Invalid value '{mode}' for InternetGatewayBlockMode.")
    if "InternetGatewayBlockMode" in params:
        state(backend, "public_access")["mode"] = mode
    found = {
        "AwsAccountId": backend.account_id,
        "AwsRegion": backend.region_name,
        # AWS takes minutes (update-in-progress); here it is done at once.
        "State": "update-complete",
        "InternetGatewayBlockMode": state(backend, "public_access").get("mode", OFF),
        "ManagedBy": "account",
        "ExclusionsAllowed": "allowed",
    }
    return {"VpcBlockPublicAccessOptions": found}


@operation(EC2Response, "create_vpc_block_public_access_exclusion")
def _exclude(response: EC2Response, params: dict[str, Any]) -> dict[str, Any]:
    backend, subnet, vpc = response.ec2_backend, params.get("SubnetId"), params.get("VpcId")
    if bool(subnet) == bool(vpc) or params["InternetGatewayExclusionMode"] not in _EXCLUSIONS:
        raise refused("InvalidParameterCombination", "Name either a VPC or a subnet, and a mode of exclusions.")
    there = backend.get_subnet(subnet) if subnet else backend.get_vpc(vpc)
    if there is None:
        raise refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
    name = f"vpcbpa-exclude-{mock_random.get_random_hex(17)}"
    kind = f"subnet/{subnet}" if subnet else f"vpc/{vpc}"
    row = {
        "ExclusionId": name,
        "InternetGatewayExclusionMode": params["InternetGatewayExclusionMode"],
        "ResourceArn": f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:{kind}",
        "State": "create-complete",
    }
    state(backend, "public_access_exclusions")[name] = row
    return {"VpcBlockPublicAccessExclusion": row}


@operation(EC2Response, "delete_vpc_block_public_access_exclusion")
def _exclude_no_more(response: EC2Response, params: dict[str, Any]) -> dict[str, Any]:
    rows = state(response.ec2_backend, "public_access_exclusions")
    if (row := rows.pop(params["ExclusionId"], None)) is None:
        message = f"The exclusion '{params['ExclusionId']}' does not exist"
        raise refused("InvalidVpcBlockPublicAccessExclusionId.NotFound", message)
    return {"VpcBlockPublicAccessExclusion": {**row, "State": "delete-in-progress"}}
