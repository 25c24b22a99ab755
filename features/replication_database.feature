@replication @US-018
Feature: The database can be brought back in the DR region, with little lost

  Background:
    Given the estate as observed in both regions

  Scenario: There is something to bring the database back from
    Then the database has a usable copy in the DR region, by a mechanism that this environment accepts

  Scenario: A failover now would lose no more of the database than agreed
    Then the newest usable copy of the database in the DR region is no older than the recovery point objective

  Scenario: No copy of the database is locked away by its key
    Then the keys of the database's copies can be used in the DR region

  Scenario: Automated backups follow today's database into the DR region
    Then the database's automated backups are replicated to the DR region, from the instance that runs now

  Scenario: The source of every copy of the database is kept
    Then the primary database keeps automated backups for as many days as required

  Scenario: The read replica is alive and ready to take over
    Then the database's read replica in the DR region replicates and could be promoted

  Scenario: The read replica's lag is known, not guessed
    Then the lag of the database's read replica is measured now and within the recovery point objective

  Scenario: A promoted replica has a way back
    Then the read replica keeps automated backups, so that a promoted database is protected from its first minute
