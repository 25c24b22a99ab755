@replication @US-018
Feature: What a failover would lose is known, and what it keeps fits together

  Background:
    Given the estate as observed in both regions

  Scenario: The recovery point objective holds for every store
    Then nothing in any store would be lost beyond the recovery point objective

  Scenario: The stores agree with each other
    Then the newest copies of database, files, objects and tables are of about the same time
