@replication @US-018
Feature: AWS Backup: copies in the DR region are complete, retained and restorable

  Background:
    Given the estate as observed in both regions

  Scenario: Backup vaults exist in both regions
    Then the backup vault exists in both regions

  Scenario: Backup copies can be decrypted in the DR region
    Then the keys of the DR vault and of the newest backup copies in it can be used in the DR region

  Scenario: The DR vault is locked and accepts the plan's copies
    Then the DR vault is locked against deletion, and its lock accepts the copies that the plan makes

  Scenario: The newest backup copies are as recent as the plan requires
    Then every store that the plan protects has a complete copy in the DR vault, as recent as the plan requires

  Scenario: Backup copies outlast the wait for the next one and a recovery
    Then every backup copy lasts, outside cold storage, until the next one has arrived and a recovery from it is over

  Scenario: AWS Backup is enabled for the protected resource types
    Then AWS Backup is enabled for the resource types of the protected stores

  Scenario: The backup plan copies to the DR region
    Then the backup plan copies its backups to the vault in the DR region

  Scenario: The backup plan selects the database and the files
    Then the backup plan selects the database and the files

  Scenario: The backup plan's worst-case data loss is within the RPO
    Then where backup copies are relied on, the plan's worst case is within the recovery point objective

  Scenario: Backup copies are retained for the required days
    Then backup copies in the DR region are retained for as many days as required

  Scenario: No copied backup rule relies on point-in-time restore
    Then no copied backup rule relies on point-in-time restore in the DR region

  Scenario: Copy jobs to the DR vault succeed
    Then no copy job to the DR vault has failed without a later success

  Scenario: Backup jobs in the primary region succeed
    Then no backup job has failed without a later success

  Scenario: Restores in the DR region were tested recently
    Then a restore of the database and of the files was tested in the DR region recently enough
