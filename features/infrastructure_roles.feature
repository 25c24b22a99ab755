@infrastructure @US-027
Feature: IAM: tasks of the DR region can start as their roles

  Background:
    Given the estate as observed in both regions

  Scenario: Roles of tasks exist and trust ECS
    Then every role that tasks of the DR region run as exists and trusts ECS there

  Scenario: Roles of tasks may do what a start needs
    Then the roles of the DR region's tasks may pull images, read secrets, decrypt, write logs and mount files there

  Scenario: Roles of tasks may use the copies of stores
    Then tasks of the DR region may do with copies of buckets and tables what is allowed with their sources today

  Scenario: Tasks of the DR region may use the keys of bucket copies
    Then tasks of the DR region may use the keys of bucket copies, as they use the buckets today
