@infrastructure @US-027
Feature: The primary region's health is told truly

  Background:
    Given the estate as observed in both regions

  Scenario: An outage is told from a schedule and from a mistaken region
    Then every tenant's service in the primary region runs its tasks, unless the schedule has scaled it to 0
