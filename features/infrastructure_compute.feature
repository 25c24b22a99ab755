@infrastructure @US-027
Feature: The DR region can run every tenant's containers

  Background:
    Given the estate as observed in both regions

  Scenario: The cluster that would run everything is there
    Then the ECS cluster of the DR region is active

  Scenario: No tenant is without a service to start
    Then every tenant has an active ECS service in the DR region

  Scenario: The standby is as warm as planned
    Then every service in the DR region runs as many tasks as its standby plan asks for

  Scenario: The standby's last release really started
    Then no deployment of a service in the DR region has failed

  Scenario: Requests would reach the tasks that start
    Then every service of the DR region is attached to its own tenant's target group there

  Scenario: One zone may fail during the failover
    Then services of the DR region that run two or more tasks spread them over at least two availability zones

  Scenario: Tasks start on the platform they are known to run on
    Then services of the DR region run on the same Fargate platform version as in the primary region

  Scenario: The same containers would start in the same shape
    Then every tenant's task definition in the DR region asks for what the primary region's does

  Scenario: Nothing that starts in the DR region waits for the primary region
    Then no task definition of the DR region points into the primary region
