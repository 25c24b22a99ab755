@replication @US-028
Feature: No replication can overwrite the files that must survive

  Background:
    Given the estate as observed in both regions

  Scenario: A replication in the wrong direction is refused
    Then the shared file system is protected against being overwritten by a replication
