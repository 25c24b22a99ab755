@replication @US-018
Feature: Secrets Manager: changes are replicated to the DR region

  Background:
    Given the estate as observed in both regions

  Scenario: Secret versions match in both regions
    Then every secret in the DR region has the same current version as in the primary region
