@replication @US-018
Feature: The platform's tables are in the DR region, fresh and able to serve

  Background:
    Given the estate as observed in both regions

  Scenario: No table is without its replica
    Then every table of the platform is active in the DR region as a replica of the primary region's

  Scenario: The source delivers to its replicas
    Then the primary region reports every table's replica in the DR region as active

  Scenario: Little would be lost of the tables
    Then writes to every table reach the DR region within the recovery point objective, by a fresh metric

  Scenario: A bad write can be undone on either side
    Then every table can be restored to any moment, in both regions

  Scenario: Queries work alike on either side
    Then every table has the same keys, indexes, streams and expiry in both regions

  Scenario: No index is half filled
    Then every index of every table is active in the DR region

  Scenario: The replicas can take the load
    Then every table can take as many reads and writes in the DR region as in the primary region

  Scenario: Both sides hold the same items
    Then every table holds about as many items in the DR region as in the primary region

  Scenario: Tables stay readable when the primary region is gone
    Then every table is encrypted in the DR region under a key of the DR region

  Scenario: A table is not lost to a slip
    Then no table can be deleted by accident, in either region

  Scenario: The replicas grow with the load
    Then every table that scales by itself in the primary region does so in the DR region, within the same bounds
