@prerequisites @US-027
Feature: Practice: recovery tests and drills

  Background:
    Given the estate as observed in both regions

  Scenario: Scheduled recovery tests are not overdue
    Then every test of the recovery was run when it was due

  Scenario: Tasks of every tenant start in the DR region
    Then a task of each tenant's definition was started in the DR region recently enough, and its container ran

  Scenario: Drills left no resources behind
    Then no drill left any resource behind
