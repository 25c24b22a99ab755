@replication @US-018
Feature: Data loss: the recovery point objective holds for all stores

  Background:
    Given the estate as observed in both regions

  Scenario: Data loss in every store is within the RPO
    Then no store would lose more data than its recovery point objective allows

  Scenario: The copies of all stores are of about the same time
    Then the newest copies of database, files, objects and tables are of about the same time
