@infrastructure @US-027
Feature: Load balancers: the DR region answers as the primary region does

  Background:
    Given the estate as observed in both regions

  Scenario: The load balancer is active in at least two availability zones
    Then the load balancer of the DR region is active in at least two availability zones

  Scenario: Load balancer settings match in both regions
    Then the load balancer of the DR region has the settings of the primary region's

  Scenario: Load balancer idle and keep-alive timeouts suit a DNS cut-over
    Then load balancers close idle connections soon enough for clients to follow a DNS change

  Scenario: Deletion protection is enabled on load balancers
    Then load balancers of both regions are protected from deletion

  Scenario: Listeners match in both regions
    Then the load balancer of the DR region has every listener of the primary region's

  Scenario: HTTPS listeners have a certificate for every host name
    Then the HTTPS listeners of the DR region present a certificate for every host name they must serve

  Scenario: Host names are routed to their own tenant's target group
    Then every tenant's host names are routed to that tenant's own target group in the DR region

  Scenario: Default listener actions match in both regions
    Then the DR region's load balancer answers unknown hosts as the primary region's does

  Scenario: Target groups and their health checks match in both regions
    Then every tenant's target group in the DR region exists, is in use, and has the primary region's health check

  Scenario: Target groups hold and spread visitors alike in both regions
    Then every tenant's target group in the DR region has the attributes of the primary region's

  Scenario: Recovered targets receive visitors in time
    Then targets of the DR region that answer again are served within a tenth of the recovery time

  Scenario: Running services have healthy targets
    Then every service that should run has a healthy target behind its load balancer
