@tenants @US-027
Feature: Sites: every tenant's site answers in both regions

  Background:
    Given the estate as observed in both regions

  Scenario: Sites answer through the load balancer of each region
    Then every tenant's site answers through the load balancer of each region

  Scenario: Sites answer alike through the distribution
    Then the distribution answers for a tenant's host as the load balancer behind it does

  Scenario: Sites show their own tenant
    Then every tenant's site shows that it belongs to that tenant, in each region

  Scenario: Task definitions use their own tenant's database
    Then no tenant's task definition uses another tenant's database, in either region

  Scenario: Site response times are within the limit
    Then every tenant's site answers within the time limit, in each region

  Scenario: Load balancer certificates are trusted by browsers
    Then each region's load balancer presents a certificate that browsers accept
