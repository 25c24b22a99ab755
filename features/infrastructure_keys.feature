@infrastructure @US-027
Feature: The DR region's keys open what was copied there

  Background:
    Given the estate as observed in both regions

  Scenario: Every copy can be opened
    Then every key that encrypts what the DR region holds is enabled there

  Scenario: Every original can be opened and replicated
    Then every key that encrypts the originals in the primary region is enabled

  Scenario: Multi-Region keys reach both regions
    Then every multi-Region key in use has its related key in the other region

  Scenario: Nobody is refused after a failover
    Then the keys of the DR region admit everyone whom the primary region's keys admit
