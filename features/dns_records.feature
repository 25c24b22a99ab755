@dns @US-027
Feature: Route 53: the traffic records are ready for a cut-over

  Background:
    Given the estate as observed in both regions

  Scenario: Both traffic records exist and no other record has their name
    Then both traffic records exist, and no other record has their name

  Scenario: Each traffic record points to its own region's load balancer
    Then each traffic record points to the load balancer of its own region

  Scenario: Traffic records already have their final routing policy
    Then the traffic records already have their final routing policy

  Scenario: Traffic records allow a staged failback
    Then the traffic records are weighted, so that a failback can shift traffic in stages

  Scenario: DNS TTLs are within the cut-over limit
    Then no DNS name on the way to the origin has a TTL longer than the cut-over allows

  Scenario: No record evaluates the target health of CloudFront
    Then no record relies on CloudFront to report its own health

  Scenario: NS records match the zone's delegation set
    Then the zone's NS records name the servers that Route 53 assigned to it

  Scenario: No part of the zone is delegated away from its records
    Then no NS record of the zone leads the names of visitors away from its records

  Scenario: DNS changes remain possible after the loss of us-east-1
    Then records can be changed again within an hour of losing us-east-1

  Scenario: The negative caching time is short
    Then resolvers ask again soon for a name that was briefly missing

  Scenario: The database's private name leads to the database of its region
    Then every private name of the database in the primary region's VPC leads to the DR region's own database there

  Scenario: No private zone hides the names of AWS
    Then no private zone of the DR region's VPC takes the names of AWS away from its tasks

  Scenario: No private zone hides the tenants' own sites
    Then no private zone of the DR region's VPC hides the tenants' own sites from their tasks
