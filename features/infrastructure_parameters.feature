@infrastructure @US-027
Feature: Deployments in the DR region find their settings

  Background:
    Given the estate as observed in both regions

  Scenario: No setting is missing, and none points home
    Then the DR region has every parameter of the primary region, with values of its own
