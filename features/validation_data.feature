@validation @US-027
Feature: After a failover the DR region's stores are whole

  Background:
    Given the estate as observed in both regions

  Scenario: What tenants write is kept
    Then the database in the DR region takes writes

  Scenario: The new home of the data is protected like the old one
    Then the database in the DR region is backed up and protected itself

  Scenario: Uploads work
    Then the files in the DR region can be written

  Scenario: The platform keeps its own state
    Then the platform's tables in the DR region take writes

  Scenario: The next failure would not be the last
    Then the data of the DR region has a copy in another region again
