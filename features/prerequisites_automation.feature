@prerequisites @US-027
Feature: Prerequisites: what starts a recovery where AWS does

  Background:
    Given the estate as observed in both regions

  Scenario: The recovery document is in the DR region and current
    Then the document that starts a recovery is in the DR region, and says what the environment file says

  Scenario: The recovery task is defined and its image is in the DR region
    Then the task that runs a recovery is defined in the DR region, and its image is there

  Scenario: The roles by which AWS starts a recovery exist
    Then the roles by which AWS starts a recovery are there, and the services may assume them
