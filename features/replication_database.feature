@replication @US-018
Feature: RDS: the database can be restored in the DR region within the RPO

  Background:
    Given the estate as observed in both regions

  Scenario: The database has a usable copy in the DR region
    Then the database has a usable copy in the DR region, by a mechanism that this environment accepts

  Scenario: The newest database copy is within the RPO
    Then the newest usable copy of the database in the DR region is no older than the recovery point objective

  Scenario: Database copies can be decrypted in the DR region
    Then the keys of the database's copies can be used in the DR region

  Scenario: Automated database backups are replicated to the DR region
    Then the database's automated backups are replicated to the DR region, from the instance that runs now

  Scenario: Automated database backups are retained for the required days
    Then the primary database retains automated backups for as many days as required

  Scenario: The read replica replicates and can be promoted
    Then the database's read replica in the DR region replicates and can be promoted

  Scenario: The read replica's lag is measured and within the RPO
    Then the lag of the database's read replica is measured now and within the recovery point objective

  Scenario: The read replica has automated backups
    Then the read replica has automated backups, so that a promoted database is protected immediately
