@dns @US-027
Feature: Route 53 sends visitors to the right region, whatever is lost

  Background:
    Given the estate as observed in both regions

  Scenario: On an ordinary day
    Then with both regions well, Route 53 sends every visitor to the primary region

  Scenario: On the day the primary region is lost
    Then with the primary region down, Route 53 sends every visitor to the DR region

  Scenario: On the day the DR region is lost
    Then with the DR region down, Route 53 keeps every visitor in the primary region

  Scenario: On the day both regions are lost
    Then with both regions down, Route 53 still answers with no place outside the plan

  Scenario: After a failover the healed primary draws nobody back
    Then inverting the primary's health check holds every visitor in the DR region
