@dns @US-027
Feature: The health checks can tell a lost region from a well one

  Background:
    Given the estate as observed in both regions

  Scenario: Every traffic record can become unhealthy
    Then every traffic record has a health check that exists

  Scenario: No health check has been switched off
    Then no health check of the traffic records is disabled

  Scenario: No pin of an earlier failover was left behind
    Then no health check of the traffic records is inverted while the primary serves

  Scenario: Each region is watched at its own door
    Then each traffic health check probes the load balancer that its record leads to

  Scenario: Route 53 would send visitors to either region today
    Then the health checkers see both regions well

  Scenario: Both regions are measured by one yardstick
    Then both regions are judged by health checks that are set alike
