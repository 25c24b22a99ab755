@infrastructure @US-027
Feature: The DR region has the capacity for every tenant

  Background:
    Given the estate as observed in both regions

  Scenario: There is compute enough for every task, soon enough
    Then the DR region can launch every task of a failover within its Fargate quota and the recovery time objective

  Scenario: There are network interfaces enough for every task
    Then the DR region's quota of network interfaces has room for every task of a failover

  Scenario: The load balancer has places enough for every tenant
    Then the DR region's load balancer quotas have room for every tenant

  Scenario: The load balancer takes the whole load at once
    Then the load balancer of the DR region has as much capacity reserved as the primary region's

  Scenario: There are services and certificates enough for every tenant
    Then the DR region's quotas have room for every tenant's service and certificate

  Scenario: A database may be restored beside those that stand
    Then the DR region's database quotas have room for one more database of the primary's size

  Scenario: Services grow with the load in both regions
    Then every service that scales by itself in the primary region does so in the DR region

  Scenario: Services know by what to grow in both regions
    Then every service of the DR region scales by the same policies as in the primary region

  Scenario: Auto scaling does not push a failover back
    Then auto scaling in the DR region allows every service its failover size

  Scenario: No drill has left auto scaling switched off
    Then auto scaling of the DR region's services is not suspended

  Scenario: No schedule puts a failed-over tenant to sleep
    Then no schedule shrinks the DR region's services while they would carry the load
