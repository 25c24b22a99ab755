@replication @US-018
Feature: DynamoDB: tables are replicated and ready in the DR region

  Background:
    Given the estate as observed in both regions

  Scenario: Table replicas are active in the DR region
    Then every table of the platform is active in the DR region as a replica of the primary region's

  Scenario: The primary region reports all table replicas active
    Then the primary region reports every table's replica in the DR region as active

  Scenario: Table replication lag is within the RPO
    Then writes to every table reach the DR region within the recovery point objective, by a fresh metric

  Scenario: Point-in-time recovery is enabled on tables in both regions
    Then every table has point-in-time recovery, in both regions

  Scenario: Tables have the same schema in both regions
    Then every table has the same keys, indexes, streams and expiry in both regions

  Scenario: Table indexes are active in the DR region
    Then every index of every table is active in the DR region

  Scenario: Table capacity matches in both regions
    Then every table has as much read and write capacity in the DR region as in the primary region

  Scenario: Table item counts match in both regions
    Then every table has about as many items in the DR region as in the primary region

  Scenario: Tables are encrypted under DR region keys
    Then every table is encrypted in the DR region under a key of the DR region

  Scenario: Deletion protection is enabled on tables
    Then every table has deletion protection, in both regions

  Scenario: Table auto scaling matches in both regions
    Then every table with auto scaling in the primary region has it in the DR region, with the same limits
