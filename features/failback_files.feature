@replication @US-028
Feature: EFS: replication cannot overwrite the files of the DR region

  Background:
    Given the estate as observed in both regions

  Scenario: Replication overwrite protection is enabled on the shared file system
    Then the shared file system is protected against being overwritten by a replication
