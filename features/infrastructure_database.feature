@infrastructure @US-027
Feature: RDS: the DR region has what the database needs

  Background:
    Given the estate as observed in both regions

  Scenario: A database subnet group exists in the DR region
    Then the DR region has a subnet group in which the database can be restored

  Scenario: The parameter group of a restore exists in the DR region
    Then the parameter group that the database is restored with exists in the DR region, and lets it be written to

  Scenario: The option group of a restore fits the engine version
    Then the option group that the database is restored with fits its engine version in the DR region

  Scenario: The name of the restored database is free
    Then no database of the DR region has the name that a restore will take

  Scenario: Database parameter groups match in both regions
    Then the DR region's parameter group matches the primary database's

  Scenario: Database option groups match in both regions
    Then the option group that the primary database uses exists in the DR region with the same options

  Scenario: The database engine version is available in the DR region
    Then the DR region runs, or can run, the engine version of the primary database

  Scenario: The database instance class and storage are available in the DR region
    Then the primary database's instance class and storage can be ordered in the DR region

  Scenario: The read replica is sized for production
    Then the read replica is large enough to serve as the primary database after a promotion

  Scenario: The read replica has the primary database's settings
    Then the read replica is reached and kept as the primary database is

  Scenario: The primary database takes writes
    Then the primary database takes writes, and is in no state that a person must end

  Scenario: Deletion protection is enabled on databases
    Then no database of the platform can be deleted by mistake

  Scenario: The primary database is Multi-AZ
    Then the primary database survives the loss of an availability zone without a failover to the DR region

  Scenario: The database has storage left
    Then the primary database has storage left, or room to grow
