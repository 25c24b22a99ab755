@prerequisites @US-027
Feature: The zone that moves the traffic is ours to change

  Background:
    Given the estate as observed in both regions

  Scenario: There is one zone to change
    Then the hosted zone of the traffic records is there, only once, and readable

  Scenario: A failover stays out of zones that are not ours
    Then no record that a failover changes lies in a zone that must not be touched
