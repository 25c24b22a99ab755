@tenants @US-027
Feature: Every tenant's site answers in both regions

  Background:
    Given the estate as observed in both regions

  Scenario: Each site is alive behind each door
    Then every tenant's site answers through the load balancer of each region

  Scenario: Nobody is shown another tenant's site
    Then every tenant's site shows that it is that tenant's own, in each region

  Scenario: Nobody opens another tenant's data
    Then no tenant's task definition opens another tenant's database, in either region

  Scenario: No site crawls
    Then every tenant's site answers in good time, in each region

  Scenario: Browsers trust each door
    Then each region's load balancer presents a certificate that browsers accept
