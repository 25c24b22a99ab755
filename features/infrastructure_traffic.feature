@infrastructure @US-027
Feature: The DR region's load balancer would answer as the primary region's does

  Background:
    Given the estate as observed in both regions

  Scenario: There is a load balancer to send the traffic to
    Then the load balancer of the DR region is active in at least two availability zones

  Scenario: Both load balancers are set up alike
    Then the load balancer of the DR region is set up like the primary region's

  Scenario: No client stays pinned to a region that traffic has left
    Then load balancers let go of idle clients soon enough for a change of DNS to reach them

  Scenario: No clean-up deletes an idle standby
    Then load balancers of both regions are protected from deletion

  Scenario: Clients find the port they know
    Then the load balancer of the DR region listens wherever the primary region's does

  Scenario: Clients are shown a certificate they accept
    Then the HTTPS listeners of the DR region present a certificate for every host name they must serve

  Scenario: Each host name reaches its own tenant
    Then every tenant's host names are routed to that tenant's own target group in the DR region

  Scenario: Unknown host names get the usual answer
    Then what the DR region's load balancer answers to unknown hosts is what the primary region's answers

  Scenario: The tenants' tasks are judged by the usual health check
    Then every tenant's target group in the DR region is there, in use, and checks health as the primary region's does

  Scenario: Whatever runs is healthy behind its load balancer
    Then every service that is meant to run has a healthy target behind its load balancer
