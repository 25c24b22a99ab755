@infrastructure @US-027
Feature: KMS: keys of the DR region decrypt the copied data

  Background:
    Given the estate as observed in both regions

  Scenario: KMS keys of the DR region are enabled
    Then every KMS key that encrypts data in the DR region is enabled there

  Scenario: KMS keys of the primary region are enabled
    Then every KMS key that encrypts the source data in the primary region is enabled, and denies no service that uses it

  Scenario: Multi-Region keys have a replica in the other region
    Then every multi-Region key in use has its related key in the other region

  Scenario: KMS key policies grant the same access in both regions
    Then the KMS keys of the DR region grant the access that the primary region's keys grant

  Scenario: KMS key policies admit the services that use the keys
    Then the policy of each KMS key in use in the DR region admits the services of AWS that use it
