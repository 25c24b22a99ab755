@infrastructure @US-027
Feature: ECS: the DR region can run every tenant's containers

  Background:
    Given the estate as observed in both regions

  Scenario: The ECS cluster of the DR region is active
    Then the ECS cluster of the DR region is active

  Scenario: Every tenant has an active ECS service in the DR region
    Then every tenant has an active ECS service in the DR region

  Scenario: Standby services run their planned number of tasks
    Then every service in the DR region runs as many tasks as its standby plan requires

  Scenario: Deployments in the DR region succeeded
    Then no deployment of a service in the DR region has failed

  Scenario: Services are attached to their own tenant's target group
    Then every service of the DR region is attached to its own tenant's target group there

  Scenario: Tasks are spread over at least two availability zones
    Then services of the DR region that run two or more tasks spread them over at least two availability zones

  Scenario: Fargate platform versions match in both regions
    Then services of the DR region run on the same Fargate platform version as in the primary region

  Scenario: Task definitions have the same size and settings in both regions
    Then every tenant's task definition in the DR region has the same size and settings as in the primary region

  Scenario: Task definitions can start new tasks
    Then every task definition that the DR region's services use can start new tasks

  Scenario: Task definitions of the DR region do not reference the primary region
    Then no task definition of the DR region references the primary region

  Scenario: Variables have the same values in both regions
    Then no tenant's variables in the DR region differ from the primary region's in a way that the other tenants' do not

  Scenario: Variables name each tenant's own schema
    Then every tenant's tasks in the DR region have the name of that tenant's own schema

  Scenario: Variables name no bucket of the primary region that has a copy
    Then no variable of the DR region names a bucket of the primary region that has a copy of its own there

  Scenario: Variables name the database that a failover restores
    Then every database that variables of the DR region name there is the one that a failover restores, or exists

  Scenario: Variables and secrets lead to what is in the DR region
    Then everything that variables and secrets of the DR region lead to is there, and nothing of it in the primary region

  Scenario: Registries of service discovery are there
    Then every registry of service discovery that a service of the DR region names is there

  Scenario: Services are deployed as in the primary region
    Then every service of the DR region is deployed with the capacity and the deployment settings of the primary region's
