@dns @US-027
Feature: Route 53: visitors reach the right region in every outage

  Background:
    Given the estate as observed in both regions

  Scenario: Both regions healthy: traffic goes to the primary region
    Then with both regions healthy, Route 53 sends every visitor to the primary region

  Scenario: Primary region unhealthy: traffic goes to the DR region
    Then with the primary region unhealthy, Route 53 sends every visitor to the DR region

  Scenario: DR region unhealthy: traffic stays in the primary region
    Then with the DR region unhealthy, Route 53 keeps every visitor in the primary region

  Scenario: Both regions unhealthy: Route 53 answers with a planned endpoint only
    Then with both regions unhealthy, Route 53 answers with the endpoints of the plan only

  Scenario: One tenant without healthy targets does not move the visitors of the others
    Then no tenant's empty target group can move the visitors of every tenant

  Scenario: An inverted primary health check keeps traffic in the DR region
    Then inverting the primary's health check keeps every visitor in the DR region
