@replication @US-018
Feature: The tenants' files are in the DR region and fresh

  Background:
    Given the estate as observed in both regions

  Scenario: Files flow from the primary region to the DR region
    Then the shared file system replicates from the primary region into the DR region without error

  Scenario: Little would be lost of the files
    Then the files in the DR region were last synchronised within the recovery point objective

  Scenario: The metric behind the alarms tells the same
    Then the synchronisation metric of the files is fresh and within the recovery point objective
