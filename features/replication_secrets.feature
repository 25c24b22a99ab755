@replication @US-018
Feature: Changed secrets arrive in the DR region

  Background:
    Given the estate as observed in both regions

  Scenario: A rotated password works after a failover
    Then every secret in the DR region holds the same current version as in the primary region
