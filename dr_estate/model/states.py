"""What the status words of AWS mean, one table a service; a word that no table lists is UNKNOWN. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class State:
    """What a status word says of a resource.

    ``serves``: it can be read or used now. ``promotable``, ``changeable``: AWS accepts a promotion, a change.
    ``busy``: AWS ends this state itself, and it serves afterwards. ``broken``: a person must act. ``gone``: it is
    deleted, or is being deleted.
    """

    serves: bool = False
    takes_writes: bool = False
    promotable: bool = False
    changeable: bool = False
    busy: bool = False
    broken: bool = False
    gone: bool = False
    known: bool = True

    @property
    def is_stopped(self) -> bool:
        """Whether it is switched off, or is being switched off: whole, and of no use until a person starts it."""
        return self.known and not (self.serves or self.busy or self.broken or self.gone)


UNKNOWN = State(known=False)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The status words of one kind of resource. ``source`` is the page of AWS that lists them."""

    source: str
    words: Mapping[str, State]

    def __getitem__(self, word: str) -> State:
        """What ``word`` means; UNKNOWN where AWS does not document it."""
        return self.words.get(word, UNKNOWN)


_WORKING = State(serves=True, takes_writes=True, changeable=True)
_CHANGING = State(serves=True, takes_writes=True, busy=True)
_BUSY, _BROKEN, _GONE, _STOPPED = State(busy=True), State(broken=True), State(gone=True), State()
_DONE = State(serves=True)


def _vocabulary(
    source: str,
    working: str = "",
    changing: str = "",
    busy: str = "",
    broken: str = "",
    gone: str = "",
    stopped: str = "",
    others: Mapping[str, State] | None = None,
) -> Vocabulary:
    """The words of each meaning, separated by spaces; ``others`` are those of a further one, or with a space inside."""
    by_state = ((working, _WORKING), (changing, _CHANGING), (busy, _BUSY), (broken, _BROKEN), (gone, _GONE))
    words = {word: state for text, state in (*by_state, (stopped, _STOPPED)) for word in text.split()}
    return Vocabulary(source, words | dict(others or {}))


# Promotion is refused while backing up (T22). A change or maintenance may reboot the instance: its end is waited for.
DATABASE = _vocabulary(
    "RDS User Guide, Viewing Amazon RDS DB instance status",
    changing="maintenance modifying resetting-master-credentials",
    busy="converting-to-vpc creating moving-to-vpc rebooting renaming starting upgrading",
    broken="failed inaccessible-encryption-credentials inaccessible-encryption-credentials-recoverable "
    "incompatible-network incompatible-option-group incompatible-parameters incompatible-restore insufficient-capacity "
    "restore-error storage-full",
    gone="delete-precheck deleting",
    stopped="stopped stopping",
    others={
        "available": replace(_WORKING, promotable=True),
        "backing-up": replace(_CHANGING, changeable=True),
        **dict.fromkeys(
            [
                "configuring-enhanced-monitoring",
                "configuring-iam-database-auth",
                "configuring-log-exports",
                "storage-config-upgrade",
                "storage-initialization",
                "storage-optimization",
            ],
            replace(_CHANGING, promotable=True, changeable=True),
        ),
    },
)
MAPPING = _vocabulary(
    "Lambda API Reference, CreateEventSourceMapping (State); filtered and absent are this tool's words",
    working="Enabled",
    busy="Creating Enabling Updating",
    gone="absent Deleting",
    stopped="filtered Disabled Disabling",
)
DATABASE_REPLICATION = _vocabulary(
    "RDS API Reference, DBInstanceStatusInfo (read replication)",
    working="replicating",
    broken="error terminated",
    stopped="stopped",
    others={"replication stop point set": _WORKING, "replication stop point reached": _BROKEN},
)
TABLE = _vocabulary(
    "DynamoDB API Reference, TableDescription (TableStatus)",
    working="ACTIVE",
    changing="UPDATING",
    busy="CREATING",
    broken="ARCHIVED ARCHIVING INACCESSIBLE_ENCRYPTION_CREDENTIALS REPLICATION_NOT_AUTHORIZED",
    gone="DELETING absent",
)
INDEX = _vocabulary(
    "DynamoDB API Reference, GlobalSecondaryIndexDescription (IndexStatus)",
    working="ACTIVE",
    changing="UPDATING",
    busy="CREATING",
    gone="DELETING",
)
# Of a table's replica: whether it receives the writes of the region that lists it.
TABLE_REPLICA = _vocabulary(
    "DynamoDB API Reference, ReplicaDescription (ReplicaStatus)",
    working="ACTIVE",
    changing="UPDATING",
    busy="CREATING",
    broken="ARCHIVED ARCHIVING CREATION_FAILED INACCESSIBLE_ENCRYPTION_CREDENTIALS REGION_DISABLED "
    "REPLICATION_NOT_AUTHORIZED",
    gone="DELETING",
)
# The states in which DynamoDB removes a replica from its group after 20 hours. Source: ReplicaDescription.
DROPPED_AFTER_20_HOURS = ("INACCESSIBLE_ENCRYPTION_CREDENTIALS", "REGION_DISABLED")

# Of file systems, and of their mount targets and access points.
FILE_SYSTEM = _vocabulary(
    "EFS API Reference, FileSystemDescription (LifeCycleState)",
    working="available",
    changing="updating",
    busy="creating",
    broken="error",
    gone="deleting deleted",
)
# PAUSING: a region was opted out; it goes on only once a person opts in again (T16).
FILE_REPLICATION = _vocabulary(
    "EFS API Reference, Destination (Status)",
    working="ENABLED",
    busy="ENABLING",
    broken="PAUSING PAUSED ERROR",
    gone="DELETING",
)
CLUSTER = _vocabulary(
    "ECS API Reference, Cluster (status)",
    working="ACTIVE",
    busy="PROVISIONING",
    broken="FAILED",
    gone="DEPROVISIONING INACTIVE",
)
DEFINITION = _vocabulary(
    "ECS API Reference, TaskDefinition (status)", working="ACTIVE", gone="INACTIVE DELETE_IN_PROGRESS"
)
SERVICE = _vocabulary("ECS API Reference, Service (status)", working="ACTIVE", gone="DRAINING INACTIVE")
# Deployments of ECS's own controller have a rollout state, those of CODE_DEPLOY and EXTERNAL are task sets.
ROLLOUT = _vocabulary(
    "ECS API Reference, Deployment (rolloutState) and TaskSet (stabilityStatus)",
    working="COMPLETED STEADY_STATE",
    busy="IN_PROGRESS STABILIZING",
    broken="FAILED",
)
# Updating: the primary region of a multi-Region key is being changed; it encrypts and decrypts all the while.
KEY = _vocabulary(
    "KMS Developer Guide, Key states of KMS keys",
    working="Enabled",
    changing="Updating",
    busy="Creating",
    broken="Disabled PendingDeletion PendingImport PendingReplicaDeletion Unavailable",
    gone="absent elsewhere",
)
# AVAILABLE is as good as COMPLETED. What a user stopped or AWS could not delete may be restorable: nobody counts on it.
RECOVERY_POINT = _vocabulary(
    "AWS Backup API Reference, DescribeRecoveryPoint (Status)",
    working="COMPLETED AVAILABLE",
    busy="CREATING",
    broken="PARTIAL EXPIRED STOPPED",
    gone="DELETING",
)
# Of backup, copy and restore jobs alike. A job that serves ended well.
BACKUP_JOB = _vocabulary(
    "AWS Backup API Reference, BackupJob (State), CopyJob (State), RestoreJobsListMember (Status)",
    busy="CREATED PENDING RUNNING ABORTING",
    broken="ABORTED EXPIRED FAILED PARTIAL",
    others={"COMPLETED": _DONE},
)
RESTORE_VALIDATION = _vocabulary(
    "AWS Backup API Reference, RestoreJobsListMember (ValidationStatus)",
    busy="VALIDATING",
    broken="FAILED TIMED_OUT",
    others={"": _DONE, "SUCCESSFUL": _DONE},
)
DATABASE_SNAPSHOT = _vocabulary(
    "RDS API Reference, DBSnapshot (Status)",
    working="available",
    busy="creating copying",
    broken="failed",
    gone="deleting",
)
RENEWAL = _vocabulary(
    "ACM API Reference, RenewalSummary (RenewalStatus)",
    working="SUCCESS PENDING_AUTO_RENEWAL",
    broken="PENDING_VALIDATION FAILED",
    others={"": _WORKING},
)
CAPACITY = _vocabulary(
    "ELB API Reference, CapacityReservationStatus (Code)", "provisioned", busy="pending rebalancing", broken="failed"
)
# Inactive: idle for weeks; the first request wakes it.
FUNCTION = _vocabulary(
    "Lambda API Reference, FunctionConfiguration (State)",
    working="Active Inactive",
    busy="Pending",
    broken="Failed Deactivating Deleting",
    gone="absent",
)
NAT_GATEWAY = _vocabulary(
    "EC2 API Reference, NatGateway (state)",
    working="available",
    busy="pending",
    broken="failed",
    gone="deleting deleted absent",
)
# active_impaired routes requests, but lacks the resources to scale.
LOAD_BALANCER = _vocabulary(
    "ELB API Reference, LoadBalancerState (Code)",
    working="active",
    busy="provisioning",
    broken="failed",
    others={"active_impaired": State(serves=True, takes_writes=True, broken=True)},
)
CERTIFICATE = _vocabulary(
    "ACM API Reference, CertificateDetail (Status)",
    working="ISSUED",
    broken="EXPIRED FAILED INACTIVE PENDING_VALIDATION REVOKED VALIDATION_TIMED_OUT",
)
# Insufficient data: what is measured stands still, as a standby's does.
ALARM = _vocabulary(
    "CloudWatch API Reference, MetricAlarm (StateValue)", working="OK", broken="ALARM", stopped="INSUFFICIENT_DATA"
)
ROUTE = _vocabulary("EC2 API Reference, Route (state)", working="active", broken="blackhole", others={"": _WORKING})
# Where visitors are kept out a person must act; block-ingress lets NAT gateways through, and nothing else.
PUBLIC_ACCESS = _vocabulary(
    "EC2 API Reference, BlockPublicAccessStates (InternetGatewayBlockMode); VPC User Guide, Block public access",
    working="off",
    broken="block-bidirectional",
    others={"": _WORKING, "block-ingress": State(serves=True, broken=True)},
)
VPC = _vocabulary("EC2 API Reference, Vpc (state)", working="available", busy="pending", gone="deleting")
SUBNET = _vocabulary(
    "EC2 API Reference, Subnet (state)",
    working="available",
    busy="pending",
    broken="unavailable failed failed-insufficient-capacity",
)
# As DescribeVpcEndpoints spells them, in small letters. Partial: some of its subnets have no interface of it.
ENDPOINT = _vocabulary(
    "EC2 API Reference, VpcEndpoint (state)",
    working="available",
    busy="pending",
    broken="pendingacceptance rejected failed expired",
    gone="deleting deleted",
    others={"partial": State(serves=True, broken=True)},
)
DISTRIBUTION = _vocabulary("CloudFront API Reference, Distribution (Status)", working="Deployed", busy="InProgress")
SUBNET_GROUP = _vocabulary("RDS API Reference, DBSubnetGroup (SubnetGroupStatus)", working="Complete")
# retained: of an instance that is deleted. What is replicated has words of the console: replicating, pending, failed.
AUTOMATED_BACKUP = _vocabulary(
    "RDS API Reference, DBInstanceAutomatedBackup (Status); RDS User Guide, Replicating automated backups",
    working="replicating active",
    busy="creating pending",
    broken="failed",
    gone="retained stopped deleting",
)
VERSION = _vocabulary("RDS API Reference, DBEngineVersion (Status)", working="available", stopped="deprecated")

# disassociated: a block that the VPC had once, and has no more.
NETWORK_BLOCK = _vocabulary(
    "EC2 API Reference, VpcCidrBlockState (state)",
    working="associated",
    busy="associating",
    broken="failed failing",
    gone="disassociating disassociated",
)

# A job that a person paused, or that waits for a person's word, moves by nobody else.
BATCH_JOB = _vocabulary(
    "S3 User Guide, Tracking job status and completion reports (Job statuses)",
    busy="Completing Cancelling Failing Pausing",
    broken="Failed",
    gone="Cancelled",
    others={
        **dict.fromkeys(("New", "Preparing", "Ready", "Active"), State(busy=True, changeable=True)),
        **dict.fromkeys(("Suspended", "Paused"), State(changeable=True)),
        "Complete": _DONE,
    },
)
