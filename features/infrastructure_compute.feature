@infrastructure @US-027
Feature: The DR region can run every tenant's containers

  Background:
    Given the estate as observed in both regions

  Scenario: No tenant is without a service to start
    Then every tenant has an active ECS service in the DR region

  Scenario: The standby is as warm as planned
    Then every service in the DR region runs as many tasks as its standby plan asks for
