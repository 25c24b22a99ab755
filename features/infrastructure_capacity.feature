@infrastructure @US-027
Feature: Capacity: the DR region can carry every tenant's load

  Background:
    Given the estate as observed in both regions

  Scenario: Fargate quota and launch rate suffice for a failover
    Then the DR region can launch every task of a failover within its Fargate quota and the recovery time objective

  Scenario: The network interface quota suffices for a failover
    Then the DR region's quota of network interfaces has room for every task of a failover

  Scenario: Load balancer quotas suffice for every tenant
    Then the DR region's load balancer quotas have room for every tenant

  Scenario: Reserved load balancer capacity matches the primary region
    Then the load balancer of the DR region has as much capacity reserved as the primary region's

  Scenario: Service and certificate quotas suffice for every tenant
    Then the DR region's quotas have room for every tenant's service and certificate

  Scenario: Database quotas suffice for a restored database
    Then the DR region's database quotas have room for another database of the primary's size

  Scenario: Auto scaling is configured for the same services in both regions
    Then every service with auto scaling in the primary region has it in the DR region

  Scenario: Scaling policies match in both regions
    Then every service of the DR region scales by the same policies as in the primary region

  Scenario: Auto scaling limits allow the failover size
    Then auto scaling in the DR region allows every service its standby and its failover size

  Scenario: Auto scaling is not suspended in the DR region
    Then auto scaling of the DR region's services is not suspended

  Scenario: Scheduled scaling does not reduce services after a failover
    Then no scheduled action scales the DR region's services down while they would carry the load

  Scenario: A web ACL guards the load balancer of the DR region too
    Then the load balancer of the DR region is guarded by a web ACL as the primary region's is

  Scenario: The web ACL of the DR region lets visitors in
    Then no web ACL of the DR region turns all visitors away while the primary region's lets them in

  Scenario: The tasks that a failover starts can carry today's load
    Then the tasks that a failover starts carry the load that each tenant has in the primary region today
