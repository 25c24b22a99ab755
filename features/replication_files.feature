@replication @US-018
Feature: EFS: files are replicated to the DR region within the RPO

  Background:
    Given the estate as observed in both regions

  Scenario: EFS replication to the DR region works
    Then the shared file system replicates from the primary region to the DR region without error

  Scenario: The last EFS synchronisation is within the RPO
    Then the files in the DR region were last synchronised within the recovery point objective

  Scenario: The EFS synchronisation metric is fresh and within the RPO
    Then the synchronisation metric of the files is fresh and within the recovery point objective
