@infrastructure @US-027
Feature: CloudFront and ACM: HTTPS keeps working after a failover

  Background:
    Given the estate as observed in both regions

  Scenario: The CloudFront distribution is enabled and deployed
    Then the distribution that serves the tenants is enabled and deployed

  Scenario: The CloudFront origin is the traffic name
    Then the distribution's origin is the traffic name, so that one change moves every tenant

  Scenario: The distribution forwards the Host header
    Then the distribution forwards the visitor's Host header to the load balancers

  Scenario: The DR load balancer listens where the distribution asks
    Then the load balancer of the DR region answers on every port that the distribution asks its origin on

  Scenario: The distribution sends the headers that the DR load balancer demands
    Then the distribution sends every header that the load balancer of the DR region demands

  Scenario: Buckets outside the primary region admit the distribution
    Then every bucket from which the distribution fetches outside the primary region admits it

  Scenario: Buckets that stand in behind the distribution are filled
    Then every bucket that stands in for one of the primary region behind the distribution is filled from it

  Scenario: An origin group fails over on server errors
    Then an origin group, where there is one, fails over to another origin on server errors

  Scenario: The distribution serves HTTPS with its own certificate
    Then the distribution serves HTTPS with a certificate of its own

  Scenario: The distribution caches errors for a short time only
    Then the distribution caches the errors of a lost region for a short time only

  Scenario: People can write through the distribution
    Then the distributions of the tenants let people log in and write

  Scenario: Certificates do not expire soon
    Then no certificate of the estate expires within the configured days

  Scenario: Certificates renew automatically
    Then every certificate of the estate renews automatically
