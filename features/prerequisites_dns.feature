@prerequisites @US-027
Feature: Route 53: the hosted zone can be changed

  Background:
    Given the estate as observed in both regions

  Scenario: The hosted zone of the traffic records is unique and readable
    Then the hosted zone of the traffic records exists, only once, and is readable

  Scenario: A failover changes no protected hosted zone
    Then no record that a failover changes is in a protected hosted zone
