@tenants @US-027
Feature: Every tenant's name reaches the region that serves

  Background:
    Given the estate as observed in both regions

  Scenario: No tenant's name bypasses the edge
    Then every tenant's host name leads to the distribution

  Scenario: Every tenant can be found
    Then every tenant's host name has a real answer

  Scenario: The edge knows every tenant's name
    Then the distribution answers to the host name of every tenant

  Scenario: Customers' own names move too
    Then every customer's own host name follows the traffic to the DR region

  Scenario: No customer's name is forgotten
    Then every customer host name in the environment file belongs to a tenant that exists

  Scenario: A certificate waits for every name in every place
    Then an issued certificate covers every host name wherever it must be served

  Scenario: No two tenants can be mistaken for each other
    Then no two tenants share one host name

  Scenario: No removed tenant comes back with a failover
    Then the DR region holds no tenant that the primary region has let go
