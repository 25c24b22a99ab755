@validation @US-027
Feature: Validation: data stores of the DR region after a failover

  Background:
    Given the estate as observed in both regions

  Scenario: The database in the DR region accepts writes
    Then the database in the DR region accepts writes

  Scenario: The database in the DR region is backed up and protected
    Then the database in the DR region is backed up and protected

  Scenario: Files in the DR region are writable
    Then the files in the DR region are writable

  Scenario: Tables in the DR region accept writes
    Then the platform's tables in the DR region accept writes

  Scenario: Data of the DR region is copied to another region
    Then the data of the DR region has a copy in another region again
