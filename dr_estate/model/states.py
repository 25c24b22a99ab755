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


def _states_of(words: str, state: State) -> dict[str, State]:
    return dict.fromkeys(words.split(), state)


_WORKING = State(serves=True, takes_writes=True, changeable=True)
_CHANGING = State(serves=True, takes_writes=True, busy=True)
_BUSY, _BROKEN, _GONE, _STOPPED = State(busy=True), State(broken=True), State(gone=True), State()

# Promotion is refused while backing up (T22). A change or maintenance may reboot the instance: its end is waited for.
DATABASE = Vocabulary(
    "RDS User Guide, Viewing Amazon RDS DB instance status",
    {
        "available": replace(_WORKING, promotable=True),
        **_states_of(
            "configuring-enhanced-monitoring configuring-iam-database-auth configuring-log-exports "
            "storage-config-upgrade storage-initialization storage-optimization",
            replace(_CHANGING, promotable=True, changeable=True),
        ),
        "backing-up": replace(_CHANGING, changeable=True),
        **_states_of("maintenance modifying resetting-master-credentials", _CHANGING),
        **_states_of("converting-to-vpc creating moving-to-vpc rebooting renaming starting upgrading", _BUSY),
        **_states_of("delete-precheck deleting", _GONE),
        **_states_of("stopped stopping", _STOPPED),
        **_states_of(
            "failed inaccessible-encryption-credentials inaccessible-encryption-credentials-recoverable "
            "incompatible-network incompatible-option-group incompatible-parameters incompatible-restore "
            "insufficient-capacity restore-error storage-full",
            _BROKEN,
        ),
    },
)
MAPPING = Vocabulary(
    "Lambda API Reference, CreateEventSourceMapping (State); filtered and absent are this tool's words",
    {
        "Enabled": _WORKING,
        "filtered": _STOPPED,
        **_states_of("Creating Enabling Updating", _BUSY),
        **_states_of("Disabled Disabling", _STOPPED),
        **_states_of("absent Deleting", _GONE),
    },
)
DATABASE_REPLICATION = Vocabulary(
    "RDS API Reference, DBInstanceStatusInfo (read replication)",
    {
        "replicating": _WORKING,
        "replication stop point set": _WORKING,
        "stopped": _STOPPED,
        **dict.fromkeys(("error", "terminated", "replication stop point reached"), _BROKEN),
    },
)
TABLE = Vocabulary(
    "DynamoDB API Reference, TableDescription (TableStatus)",
    {
        "ACTIVE": _WORKING,
        "UPDATING": _CHANGING,
        "CREATING": _BUSY,
        "DELETING": _GONE,
        "absent": _GONE,
        **_states_of("ARCHIVED ARCHIVING INACCESSIBLE_ENCRYPTION_CREDENTIALS REPLICATION_NOT_AUTHORIZED", _BROKEN),
    },
)
INDEX = Vocabulary(
    "DynamoDB API Reference, GlobalSecondaryIndexDescription (IndexStatus)",
    {"ACTIVE": _WORKING, "UPDATING": _CHANGING, "CREATING": _BUSY, "DELETING": _GONE},
)
# Of a table's replica: whether it receives the writes of the region that lists it.
TABLE_REPLICA = Vocabulary(
    "DynamoDB API Reference, ReplicaDescription (ReplicaStatus)",
    {
        "ACTIVE": _WORKING,
        "UPDATING": _CHANGING,
        "CREATING": _BUSY,
        "DELETING": _GONE,
        **_states_of(
            "ARCHIVED ARCHIVING CREATION_FAILED INACCESSIBLE_ENCRYPTION_CREDENTIALS REGION_DISABLED "
            "REPLICATION_NOT_AUTHORIZED",
            _BROKEN,
        ),
    },
)
# The states in which DynamoDB removes a replica from its group after 20 hours. Source: ReplicaDescription.
DROPPED_AFTER_20_HOURS = ("INACCESSIBLE_ENCRYPTION_CREDENTIALS", "REGION_DISABLED")

# Of file systems, and of their mount targets and access points.
FILE_SYSTEM = Vocabulary(
    "EFS API Reference, FileSystemDescription (LifeCycleState)",
    {
        "available": _WORKING,
        "updating": _CHANGING,
        "creating": _BUSY,
        "deleting": _GONE,
        "deleted": _GONE,
        "error": _BROKEN,
    },
)
FILE_REPLICATION = Vocabulary(
    "EFS API Reference, Destination (Status)",
    {
        "ENABLED": _WORKING,
        "ENABLING": _BUSY,
        "PAUSING": _BROKEN,  # a region was opted out: it goes on only once a person opts in again (T16)
        "PAUSED": _BROKEN,
        "DELETING": _GONE,
        "ERROR": _BROKEN,
    },
)
CLUSTER = Vocabulary(
    "ECS API Reference, Cluster (status)",
    {
        "ACTIVE": _WORKING,
        "PROVISIONING": _BUSY,
        "DEPROVISIONING": _GONE,
        "INACTIVE": _GONE,
        "FAILED": _BROKEN,
    },
)
DEFINITION = Vocabulary(
    "ECS API Reference, TaskDefinition (status)",
    {"ACTIVE": _WORKING, "INACTIVE": _GONE, "DELETE_IN_PROGRESS": _GONE},
)
SERVICE = Vocabulary("ECS API Reference, Service (status)", {"ACTIVE": _WORKING, "DRAINING": _GONE, "INACTIVE": _GONE})
# Deployments of ECS's own controller have a rollout state, those of CODE_DEPLOY and EXTERNAL are task sets.
ROLLOUT = Vocabulary(
    "ECS API Reference, Deployment (rolloutState) and TaskSet (stabilityStatus)",
    {
        "COMPLETED": _WORKING,
        "STEADY_STATE": _WORKING,
        "IN_PROGRESS": _BUSY,
        "STABILIZING": _BUSY,
        "FAILED": _BROKEN,
    },
)
# Updating: the primary region of a multi-Region key is being changed; it encrypts and decrypts all the while.
KEY = Vocabulary(
    "KMS Developer Guide, Key states of KMS keys",
    {
        "Enabled": _WORKING,
        "Updating": _CHANGING,
        "Creating": _BUSY,
        "absent": _GONE,
        "elsewhere": _GONE,
        **_states_of("Disabled PendingDeletion PendingImport PendingReplicaDeletion Unavailable", _BROKEN),
    },
)
# AVAILABLE is as good as COMPLETED. What a user stopped or AWS could not delete may be restorable: nobody counts on it.
RECOVERY_POINT = Vocabulary(
    "AWS Backup API Reference, DescribeRecoveryPoint (Status)",
    {
        **_states_of("COMPLETED AVAILABLE", _WORKING),
        "CREATING": _BUSY,
        "DELETING": _GONE,
        **_states_of("PARTIAL EXPIRED STOPPED", _BROKEN),
    },
)
# Of backup, copy and restore jobs alike. A job that serves ended well.
BACKUP_JOB = Vocabulary(
    "AWS Backup API Reference, BackupJob (State), CopyJob (State), RestoreJobsListMember (Status)",
    {
        "COMPLETED": State(serves=True),
        **_states_of("CREATED PENDING RUNNING ABORTING", _BUSY),
        **_states_of("ABORTED EXPIRED FAILED PARTIAL", _BROKEN),
    },
)
RESTORE_VALIDATION = Vocabulary(
    "AWS Backup API Reference, RestoreJobsListMember (ValidationStatus)",
    {
        "": State(serves=True),
        "SUCCESSFUL": State(serves=True),
        "VALIDATING": _BUSY,
        **_states_of("FAILED TIMED_OUT", _BROKEN),
    },
)
DATABASE_SNAPSHOT = Vocabulary(
    "RDS API Reference, DBSnapshot (Status)",
    {"available": _WORKING, **_states_of("creating copying", _BUSY), "deleting": _GONE, "failed": _BROKEN},
)
RENEWAL = Vocabulary(
    "ACM API Reference, RenewalSummary (RenewalStatus)",
    {
        **_states_of("SUCCESS PENDING_AUTO_RENEWAL", _WORKING),
        "": _WORKING,
        **_states_of("PENDING_VALIDATION FAILED", _BROKEN),
    },
)
CAPACITY = Vocabulary(
    "ELB API Reference, CapacityReservationStatus (Code)",
    {"provisioned": _WORKING, **_states_of("pending rebalancing", _BUSY), "failed": _BROKEN},
)
FUNCTION = Vocabulary(
    "Lambda API Reference, FunctionConfiguration (State)",
    {
        "Active": _WORKING,
        "Inactive": _WORKING,  # idle for weeks: the first request wakes it
        "Pending": _BUSY,
        "absent": _GONE,
        **_states_of("Failed Deactivating Deleting", _BROKEN),
    },
)
NAT_GATEWAY = Vocabulary(
    "EC2 API Reference, NatGateway (state)",
    {"available": _WORKING, "pending": _BUSY, "deleting": _GONE, "deleted": _GONE, "absent": _GONE, "failed": _BROKEN},
)
# active_impaired routes requests, but lacks the resources to scale.
LOAD_BALANCER = Vocabulary(
    "ELB API Reference, LoadBalancerState (Code)",
    {
        "active": _WORKING,
        "active_impaired": State(serves=True, takes_writes=True, broken=True),
        "provisioning": _BUSY,
        "failed": _BROKEN,
    },
)
CERTIFICATE = Vocabulary(
    "ACM API Reference, CertificateDetail (Status)",
    {
        "ISSUED": _WORKING,
        **_states_of("EXPIRED FAILED INACTIVE PENDING_VALIDATION REVOKED VALIDATION_TIMED_OUT", _BROKEN),
    },
)
# Insufficient data: what is measured stands still, as a standby's does.
ALARM = Vocabulary(
    "CloudWatch API Reference, MetricAlarm (StateValue)",
    {"OK": _WORKING, "INSUFFICIENT_DATA": _STOPPED, "ALARM": _BROKEN},
)
ROUTE = Vocabulary("EC2 API Reference, Route (state)", {"": _WORKING, "active": _WORKING, "blackhole": _BROKEN})
# Where visitors are kept out a person must act; block-ingress lets NAT gateways through, and nothing else.
PUBLIC_ACCESS = Vocabulary(
    "EC2 API Reference, BlockPublicAccessStates (InternetGatewayBlockMode); VPC User Guide, Block public access",
    {
        "": _WORKING,
        "off": _WORKING,
        "block-ingress": State(serves=True, broken=True),
        "block-bidirectional": _BROKEN,
    },
)
VPC = Vocabulary("EC2 API Reference, Vpc (state)", {"available": _WORKING, "pending": _BUSY, "deleting": _GONE})
SUBNET = Vocabulary(
    "EC2 API Reference, Subnet (state)",
    {
        "available": _WORKING,
        "pending": _BUSY,
        **_states_of("unavailable failed failed-insufficient-capacity", _BROKEN),
    },
)
# As DescribeVpcEndpoints spells them, in small letters. Partial: some of its subnets have no interface of it.
ENDPOINT = Vocabulary(
    "EC2 API Reference, VpcEndpoint (state)",
    {
        "available": _WORKING,
        "partial": State(serves=True, broken=True),
        "pending": _BUSY,
        **_states_of("deleting deleted", _GONE),
        **_states_of("pendingacceptance rejected failed expired", _BROKEN),
    },
)
DISTRIBUTION = Vocabulary(
    "CloudFront API Reference, Distribution (Status)",
    {"Deployed": _WORKING, "InProgress": _BUSY},
)
SUBNET_GROUP = Vocabulary("RDS API Reference, DBSubnetGroup (SubnetGroupStatus)", {"Complete": _WORKING})
# retained: of an instance that is deleted. What is replicated has words of the console: replicating, pending, failed.
AUTOMATED_BACKUP = Vocabulary(
    "RDS API Reference, DBInstanceAutomatedBackup (Status); RDS User Guide, Replicating automated backups",
    {
        **_states_of("replicating active", _WORKING),
        **_states_of("creating pending", _BUSY),
        **_states_of("retained stopped deleting", _GONE),
        "failed": _BROKEN,
    },
)
VERSION = Vocabulary("RDS API Reference, DBEngineVersion (Status)", {"available": _WORKING, "deprecated": _STOPPED})

# disassociated: a block that the VPC had once, and has no more.
NETWORK_BLOCK = Vocabulary(
    "EC2 API Reference, VpcCidrBlockState (state)",
    {
        "associated": _WORKING,
        "associating": _BUSY,
        **_states_of("disassociating disassociated", _GONE),
        **_states_of("failed failing", _BROKEN),
    },
)

# A job that a person paused, or that waits for a person's word, moves by nobody else.
BATCH_JOB = Vocabulary(
    "S3 User Guide, Tracking job status and completion reports (Job statuses)",
    {
        **_states_of("New Preparing Ready Active", State(busy=True, changeable=True)),
        **_states_of("Completing Cancelling Failing Pausing", _BUSY),
        **_states_of("Suspended Paused", State(changeable=True)),
        "Complete": State(serves=True),
        "Failed": _BROKEN,
        "Cancelled": _GONE,
    },
)
