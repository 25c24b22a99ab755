@infrastructure @US-027
Feature: The network of the DR region can hold a failover

  Background:
    Given the estate as observed in both regions

  Scenario: There is a network to run in
    Then the VPC of the DR region is available

  Scenario: What fits into one network fits into the other
    Then the VPC of the DR region has the shape of the primary region's

  Scenario: Tasks can be placed in more than one zone
    Then services of the DR region may run in subnets of at least two availability zones

  Scenario: Every task finds an address
    Then the subnets of the DR region have free addresses for every task of a failover

  Scenario: The same packets pass in both regions
    Then security groups of the DR region let the same traffic pass as the primary region's

  Scenario: Services stand behind the same security groups
    Then services of the DR region carry the security groups that the primary region's carry

  Scenario: A task that starts can fetch what it needs
    Then tasks of the DR region have a way out to pull their image, read their secret and write their log
