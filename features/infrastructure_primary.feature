@infrastructure @US-027
Feature: ECS: health of the primary region's services

  Background:
    Given the estate as observed in both regions

  Scenario: Services of the primary region run their tasks
    Then every tenant's service in the primary region runs its tasks, unless the schedule has scaled it to 0
