@infrastructure @US-027
Feature: SSM: deployments in the DR region find their parameters

  Background:
    Given the estate as observed in both regions

  Scenario: SSM parameters exist in the DR region with values of its own
    Then the DR region has every SSM parameter of the primary region, with values of its own

  Scenario: SSM parameters of the DR region have the values of the region
    Then no SSM parameter of the DR region names a thing of the primary region, or differs in more than the region
