@tenants @US-027
Feature: Host names: every tenant's name resolves to the serving region

  Background:
    Given the estate as observed in both regions

  Scenario: Host names point to the distribution
    Then every tenant's host name points to the distribution

  Scenario: Host names resolve
    Then every tenant's host name resolves to an address

  Scenario: The distribution has every tenant's host name as an alias
    Then the distribution has the host name of every tenant as an alias

  Scenario: No other distribution serves a tenant that the failover would not move
    Then no other distribution takes a tenant's visitors away from the traffic name

  Scenario: Customer host names follow the traffic
    Then every customer's own host name follows the traffic to the DR region

  Scenario: Configured customer host names belong to existing tenants
    Then every customer host name in the environment file belongs to a tenant that exists

  Scenario: Certificates cover every host name in every region
    Then an issued certificate covers every host name wherever it must be served

  Scenario: Host names are unique to a tenant
    Then no two tenants share a host name

  Scenario: No removed tenant remains in the DR region
    Then the DR region has no tenant that was removed from the primary region
