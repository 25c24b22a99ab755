@infrastructure @US-027
Feature: A database in the DR region finds what it needs, and behaves as in the primary region

  Background:
    Given the estate as observed in both regions

  Scenario: There is a place for the database in the DR network
    Then the DR region has a subnet group in which the database can be brought up

  Scenario: The database keeps its parameters in the DR region
    Then the DR region's parameter group is like the one the primary database runs with

  Scenario: The database keeps its options in the DR region
    Then the option group that the primary database uses exists in the DR region with the same options

  Scenario: The database keeps its engine version in the DR region
    Then the DR region runs, or can run, the engine version of the primary database

  Scenario: A database as strong as today's can be had in the DR region
    Then the primary database's instance class and storage can be ordered in the DR region

  Scenario: The read replica could carry the load
    Then the read replica is large enough to serve as the primary database after a promotion

  Scenario: Nobody deletes a database by mistake
    Then no database of the platform can be deleted by mistake

  Scenario: A lost zone is not a lost region
    Then the primary database survives the loss of one availability zone without a failover to the DR region
