@infrastructure @US-027
Feature: Counterparts: nothing that the platform owns stands in the primary region alone

  Background:
    Given the estate as observed in both regions

  Scenario: Every resource of the platform has a counterpart in the DR region
    Then every resource with the platform's tags or names in the primary region has its counterpart in the DR region
