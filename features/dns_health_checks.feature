@dns @US-027
Feature: Route 53: health checks detect a lost region

  Background:
    Given the estate as observed in both regions

  Scenario: Traffic records have health checks
    Then every traffic record has a health check that exists

  Scenario: Health checks of the traffic records are enabled
    Then no health check of the traffic records is disabled

  Scenario: Health checks are not inverted while the primary region serves
    Then no health check of the traffic records is inverted while the primary serves

  Scenario: Each health check probes the load balancer of its own record
    Then each traffic health check probes the load balancer that its record points to

  Scenario: Route 53 health checkers report both regions healthy
    Then the Route 53 health checkers report both regions healthy

  Scenario: Health checks of both regions have the same settings
    Then the health checks of both regions have the same settings

  Scenario: A primary in us-east-1 can be held down without us-east-1
    Then where the primary region is us-east-1, the DR region can hold the primary's traffic record down by itself
