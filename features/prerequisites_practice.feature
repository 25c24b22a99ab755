@prerequisites @US-027
Feature: A recovery is practised until it is boring

  Background:
    Given the estate as observed in both regions

  Scenario: No test of the schedule is overdue
    Then every test of the recovery was run when it was due

  Scenario: Every drill took its own things away again
    Then no drill left anything behind
