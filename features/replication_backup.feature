@replication @US-018
Feature: Backups reach the DR region, are kept there, and can be restored

  Background:
    Given the estate as observed in both regions

  Scenario: Backups have a home on either side
    Then the backup vault exists in both regions

  Scenario: No backup copy is locked away by its key
    Then the keys of the DR vault and of the newest backup copies in it can be used in the DR region

  Scenario: Nobody empties the DR vault, and nothing is turned away from it
    Then the DR vault is locked against deletion, and its lock accepts the copies that the plan makes

  Scenario: The newest copies are as young as was promised
    Then every store that the plan protects has a complete copy in the DR vault, as young as the plan promises

  Scenario: AWS Backup is switched on for what it should protect
    Then AWS Backup acts on the resource types of the protected stores

  Scenario: Backups leave the primary region by themselves
    Then the backup plan copies what it backs up to the vault in the DR region

  Scenario: The plan protects the stores that matter
    Then the backup plan selects the database and the files

  Scenario: The plan's worst case is good enough where it is relied on
    Then where backup copies are relied on, the plan's worst case is within the recovery point objective

  Scenario: Copies outlive the time in which damage goes unseen
    Then backup copies in the DR region are kept for as many days as required

  Scenario: Nobody counts on a point-in-time restore that is not there
    Then no copied backup rule counts on point-in-time restore in the DR region

  Scenario: Copies to the DR region succeed
    Then no copy job to the DR vault has failed without a later success

  Scenario: Backups in the primary region succeed
    Then no backup job has failed without a later success

  Scenario: Restores in the DR region are proven, not hoped for
    Then a restore of the database and of the files was proven in the DR region not too long ago
