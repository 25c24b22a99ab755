"""What botocore's models call optional may be missing, and no reader breaks by it.

``DEMANDED`` lists the members that readers demand all the same, by the reason why. A row without such a member becomes
the UNKNOWN of that row: what decides a verdict is never guessed at.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_estate.model.unavailable import UnavailableKind
from tests.dr_estate.contracts.answering import Answered, operations, unseen
from tests.dr_estate.contracts.shapes import drawn, full, watch
from tests.sampling import EXHAUSTIVE

_REASONS = {
    "names or finds the row, or what stands in it: without it nothing can be said of which resource it is": """
        acm:DescribeCertificate.Certificate.CertificateArn
        acm:DescribeCertificate.Certificate.DomainName
        backup:GetBackupSelection.BackupSelection.Conditions.StringEquals[].ConditionKey
        backup:GetBackupSelection.BackupSelection.Conditions.StringEquals[].ConditionValue
        backup:GetBackupSelection.BackupSelection.Conditions.StringLike[].ConditionKey
        backup:GetBackupSelection.BackupSelection.Conditions.StringLike[].ConditionValue
        backup:GetBackupSelection.BackupSelection.Conditions.StringNotEquals[].ConditionKey
        backup:GetBackupSelection.BackupSelection.Conditions.StringNotEquals[].ConditionValue
        backup:GetBackupSelection.BackupSelection.Conditions.StringNotLike[].ConditionKey
        backup:GetBackupSelection.BackupSelection.Conditions.StringNotLike[].ConditionValue
        backup:ListBackupJobs.BackupJobs[].BackupJobId
        backup:ListBackupPlans.BackupPlansList[].BackupPlanId
        backup:ListBackupSelections.BackupSelectionsList[].SelectionId
        backup:ListBackupVaults.BackupVaultList[].BackupVaultArn
        backup:ListBackupVaults.BackupVaultList[].BackupVaultName
        backup:ListCopyJobs.CopyJobs[].CopyJobId
        backup:ListProtectedResources.Results[].ResourceArn
        backup:ListRecoveryPointsByBackupVault.RecoveryPoints[].RecoveryPointArn
        backup:ListRestoreJobs.RestoreJobs[].RestoreJobId
        cloudwatch:DescribeAlarms.CompositeAlarms[].AlarmName
        cloudwatch:DescribeAlarms.MetricAlarms[].AlarmName
        cloudwatch:ListDashboards.DashboardEntries[].DashboardArn
        dynamodb:DescribeTable.Table.GlobalSecondaryIndexes[].IndexName
        dynamodb:DescribeTable.Table.Replicas[].RegionName
        dynamodb:DescribeTable.Table.TableName
        ec2:DescribeDhcpOptions.DhcpOptions[].DhcpOptionsId
        ec2:DescribeInternetGateways.InternetGateways[].InternetGatewayId
        ec2:DescribeNatGateways.NatGateways[].NatGatewayId
        ec2:DescribeNetworkAcls.NetworkAcls[].NetworkAclId
        ec2:DescribeNetworkInterfaces.NetworkInterfaces[].Groups[].GroupId
        ec2:DescribeNetworkInterfaces.NetworkInterfaces[].NetworkInterfaceId
        ec2:DescribeRouteTables.RouteTables[].RouteTableId
        ec2:DescribeSecurityGroups.SecurityGroups[].GroupId
        ec2:DescribeSecurityGroups.SecurityGroups[].GroupName
        ec2:DescribeSecurityGroups.SecurityGroups[].IpPermissionsEgress[].IpRanges[].CidrIp
        ec2:DescribeSecurityGroups.SecurityGroups[].IpPermissionsEgress[].Ipv6Ranges[].CidrIpv6
        ec2:DescribeSecurityGroups.SecurityGroups[].IpPermissions[].IpRanges[].CidrIp
        ec2:DescribeSecurityGroups.SecurityGroups[].IpPermissions[].Ipv6Ranges[].CidrIpv6
        ec2:DescribeSubnets.Subnets[].AvailabilityZone
        ec2:DescribeSubnets.Subnets[].SubnetId
        ec2:DescribeVpcs.Vpcs[].CidrBlockAssociationSet[].CidrBlock
        ec2:DescribeVpcs.Vpcs[].Ipv6CidrBlockAssociationSet[].Ipv6CidrBlock
        ec2:DescribeVpcs.Vpcs[].VpcId
        ecr:DescribeImages.imageDetails[].imageDigest
        ecs:DescribeServices.services[].serviceArn
        ecs:DescribeServices.services[].serviceName
        ecs:DescribeTaskDefinition.taskDefinition.containerDefinitions[].environment[].name
        ecs:DescribeTaskDefinition.taskDefinition.containerDefinitions[].image
        ecs:DescribeTaskDefinition.taskDefinition.containerDefinitions[].name
        ecs:DescribeTaskDefinition.taskDefinition.family
        ecs:DescribeTaskDefinition.taskDefinition.taskDefinitionArn
        ecs:DescribeTaskDefinition.taskDefinition.volumes[].name
        ecs:DescribeTasks.tasks[].containers[].name
        ecs:DescribeTasks.tasks[].taskArn
        ecs:DescribeTasks.tasks[].taskDefinitionArn
        ecr:DescribeRepositories.repositories[].repositoryArn
        efs:DescribeAccessPoints.AccessPoints[].AccessPointId
        efs:DescribeAccessPoints.AccessPoints[].FileSystemId
        elasticache:DescribeCacheClusters.CacheClusters[].ARN
        elasticache:DescribeReplicationGroups.ReplicationGroups[].ARN
        elbv2:DescribeListenerCertificates.Certificates[].CertificateArn
        elbv2:DescribeListeners.Listeners[].Certificates[].CertificateArn
        elbv2:DescribeListeners.Listeners[].DefaultActions[].ForwardConfig.TargetGroups[].TargetGroupArn
        elbv2:DescribeListeners.Listeners[].ListenerArn
        elbv2:DescribeLoadBalancerAttributes.Attributes[].Key
        elbv2:DescribeLoadBalancers.LoadBalancers[].AvailabilityZones[].ZoneName
        elbv2:DescribeLoadBalancers.LoadBalancers[].LoadBalancerArn
        elbv2:DescribeLoadBalancers.LoadBalancers[].LoadBalancerName
        elbv2:DescribeTargetGroupAttributes.Attributes[].Key
        elbv2:DescribeTargetGroups.TargetGroups[].TargetGroupArn
        elbv2:DescribeTargetGroups.TargetGroups[].TargetGroupName
        events:ListEventBuses.EventBuses[].Arn
        events:ListEventBuses.EventBuses[].Name
        events:ListRules.Rules[].Arn
        kms:DescribeKey.KeyMetadata.Arn
        lambda:ListEventSourceMappings.EventSourceMappings[].FunctionArn
        lambda:ListFunctions.Functions[].FunctionArn
        logs:DescribeMetricFilters.metricFilters[].filterName
        logs:DescribeMetricFilters.metricFilters[].logGroupName
        logs:DescribeLogGroups.logGroups[].logGroupName
        rds:DescribeAccountAttributes.AccountQuotas[].AccountQuotaName
        rds:DescribeDBInstances.DBInstances[].DBInstanceArn
        rds:DescribeDBInstances.DBInstances[].DBInstanceClass
        rds:DescribeDBInstances.DBInstances[].DBInstanceIdentifier
        rds:DescribeDBInstances.DBInstances[].DBParameterGroups[].DBParameterGroupName
        rds:DescribeDBInstances.DBInstances[].Engine
        rds:DescribeDBInstances.DBInstances[].OptionGroupMemberships[].OptionGroupName
        rds:DescribeDBInstances.DBInstances[].TagList[].Key
        rds:DescribeDBInstances.DBInstances[].VpcSecurityGroups[].VpcSecurityGroupId
        rds:DescribeDBParameters.Parameters[].ParameterName
        rds:DescribeDBSnapshots.DBSnapshots[].DBSnapshotIdentifier
        rds:DescribeDBSubnetGroups.DBSubnetGroups[].DBSubnetGroupName
        rds:DescribeOptionGroups.OptionGroupsList[].OptionGroupName
        rds:DescribeOptionGroups.OptionGroupsList[].Options[].OptionName
        resourcegroupstaggingapi:GetResources.ResourceTagMappingList[].ResourceARN
        s3:ListObjectVersions.DeleteMarkers[].Key
        s3:ListObjectVersions.Versions[].Key
        s3control:ListJobs.Jobs[].JobId
        scheduler:ListSchedules.Schedules[].Arn
        secretsmanager:BatchGetSecretValue.SecretValues[].Name
        secretsmanager:ListSecrets.SecretList[].ARN
        sesv2:ListEmailIdentities.EmailIdentities[].IdentityName
        sns:ListSubscriptionsByTopic.Subscriptions[].Endpoint
        sqs:GetQueueUrl.QueueUrl
        ssm:DescribeParameters.Parameters[].Name
        ssm:GetParametersByPath.Parameters[].Name
        servicediscovery:ListServices.Services[].Arn
        wafv2:ListWebACLs.WebACLs[].ARN
        route53resolver:ListFirewallRuleGroupAssociations.FirewallRuleGroupAssociations[].FirewallRuleGroupId
        ssm:DescribeAutomationExecutions.AutomationExecutionMetadataList[].AutomationExecutionId
    """,
    "is a state: neither a good nor a bad one may be guessed": """
        dynamodb:DescribeTable.Table.TableStatus
        ec2:DescribeNatGateways.NatGateways[].State
        ec2:DescribeSubnets.Subnets[].State
        ec2:DescribeVpcs.Vpcs[].State
        ecs:DescribeClusters.clusters[].status
        ecs:DescribeServices.services[].status
        ecs:DescribeTasks.tasks[].lastStatus
        efs:DescribeAccessPoints.AccessPoints[].LifeCycleState
        elbv2:DescribeLoadBalancers.LoadBalancers[].State
        elbv2:DescribeLoadBalancers.LoadBalancers[].State.Code
        s3:ListObjectVersions.DeleteMarkers[].IsLatest
        s3:ListObjectVersions.Versions[].IsLatest
        s3control:ListJobs.Jobs[].Status
        sns:ListSubscriptionsByTopic.Subscriptions[].Protocol
        sns:ListTopics.Topics[].TopicArn
        ssm:GetParametersByPath.Parameters[].Type
        route53resolver:ListFirewallRules.FirewallRules[].Action
    """,
    "is a number or a moment that is compared: no default is neutral": """
        backup:ListBackupJobs.BackupJobs[].CreationDate
        backup:ListCopyJobs.CopyJobs[].CreationDate
        backup:ListRecoveryPointsByBackupVault.RecoveryPoints[].CreationDate
        ec2:DescribeNetworkAcls.NetworkAcls[].Entries[].Protocol
        ec2:DescribeNetworkAcls.NetworkAcls[].Entries[].RuleNumber
        backup:ListRestoreJobs.RestoreJobs[].CreationDate
        ec2:DescribeSecurityGroups.SecurityGroups[].IpPermissionsEgress[].IpProtocol
        ec2:DescribeSecurityGroups.SecurityGroups[].IpPermissionsEgress[].ToPort
        ec2:DescribeSecurityGroups.SecurityGroups[].IpPermissions[].IpProtocol
        ec2:DescribeSecurityGroups.SecurityGroups[].IpPermissions[].ToPort
        ec2:DescribeSubnets.Subnets[].AvailableIpAddressCount
        ecr:DescribeImages.imageDetails[].imagePushedAt
        ecs:DescribeServices.services[].desiredCount
        ecs:DescribeServices.services[].pendingCount
        ecs:DescribeServices.services[].runningCount
        rds:DescribeAccountAttributes.AccountQuotas[].Max
        rds:DescribeAccountAttributes.AccountQuotas[].Used
        s3:ListObjectVersions.DeleteMarkers[].LastModified
        s3:ListObjectVersions.Versions[].LastModified
        route53resolver:ListFirewallRuleGroupAssociations.FirewallRuleGroupAssociations[].Priority
        route53resolver:ListFirewallRules.FirewallRules[].Priority
    """,
    "is the part that is compared with the other region: an empty one would be a difference, or hide one": """
        dynamodb:DescribeTable.Table.GlobalSecondaryIndexes[].KeySchema
        ecs:DescribeTaskDefinition.taskDefinition.containerDefinitions
        elbv2:DescribeListeners.Listeners[].DefaultActions
    """,
    "is all that was asked for": """
        account:GetRegionOptStatus.RegionOptStatus
        acm:DescribeCertificate.Certificate
        backup:GetBackupPlan.BackupPlan
        backup:GetBackupSelection.BackupSelection
        dynamodb:DescribeTable.Table
        dynamodb:Query.Items
        ec2:DescribeVpcAttribute.EnableDnsHostnames
        ec2:DescribeVpcAttribute.EnableDnsHostnames.Value
        ec2:DescribeVpcAttribute.EnableDnsSupport
        ec2:DescribeVpcAttribute.EnableDnsSupport.Value
        ecs:DescribeTaskDefinition.taskDefinition
        efs:DescribeFileSystemPolicy.Policy
        kms:DescribeKey.KeyMetadata
        kms:GetKeyPolicy.Policy
        s3:GetBucketEncryption.ServerSideEncryptionConfiguration
        s3:GetBucketOwnershipControls.OwnershipControls
        s3:GetBucketReplication.ReplicationConfiguration
        s3:GetPublicAccessBlock.PublicAccessBlockConfiguration
        s3:HeadObject.ContentLength
        s3:HeadObject.LastModified
        service-quotas:GetAWSDefaultServiceQuota.Quota
        service-quotas:GetServiceQuota.Quota
        sns:GetSubscriptionAttributes.Attributes
        ssm:GetAutomationExecution.AutomationExecution
        sts:GetCallerIdentity.Account
        sts:GetCallerIdentity.Arn
    """,
}
DEMANDED = {path: reason for reason, paths in _REASONS.items() for path in paths.split()}


OPERATIONS = operations()


def _without(body: Any, names: list[str]) -> Any:
    """The answer without the member at the end of a path such as ``Rules[].Priority``."""
    if isinstance(body, list):
        return [_without(row, names) for row in body]
    name, *rest = names
    if not rest:
        return {key: value for key, value in body.items() if key != name}
    return {**body, name: _without(body[name], rest)} if name in body else body


def _demanded(answered: Answered, operation: str) -> set[str]:
    """The optional members of ``operation`` without which a row or more of its answer is not understood."""
    shape = answered.model(operation).output_shape
    taken: set[str] = set()
    answered.give(operation, lambda *_: watch(shape, operation, full(operation, shape), taken) if shape else {})
    found = set()
    for path in taken:
        names = path.replace("[]", "").partition(".")[2].split(".")
        read = answered.give(operation, lambda *_, names=names: _without(full(operation, shape), names))
        if any(why.kind is UnavailableKind.UNREADABLE for section in read.values() for why in unseen(section)):
            found.add(path)
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_optional_member_is_demanded_only_where_the_list_says_why(answered: Answered, operation: str) -> None:
    listed = {path for path in DEMANDED if path.startswith(f"{operation}.")}
    assert _demanded(answered, operation) == listed


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=2)
@given(data=st.data())
def test_a_few_answers_of_each_shape_are_understood(answered: Answered, operation: str, data: st.DataObject) -> None:
    _take_one(answered, operation, data)


@pytest.mark.proof
@pytest.mark.apart
@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=300 if EXHAUSTIVE else 60)
@given(data=st.data())
def test_answers_of_each_shape_are_understood(answered: Answered, operation: str, data: st.DataObject) -> None:
    _take_one(answered, operation, data)


def _take_one(answered: Answered, operation: str, data: st.DataObject) -> None:
    """Any other exception than the declared ones is the reader's."""
    answer = data.draw(drawn(operation, answered.model(operation).output_shape))
    answered.give(operation, lambda *_: dict(answer))
    assert answered.calls[operation]
