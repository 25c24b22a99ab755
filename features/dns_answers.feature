@dns @US-027
Feature: DNS answers: resolvers see the traffic records

  Background:
    Given the estate as observed in both regions

  Scenario: All name servers of the zone answer
    Then every name server of the hosted zone answers queries for it

  Scenario: The parent zone delegates to the hosted zone's name servers
    Then the parent zone delegates to this zone's own name servers

  Scenario: Name server answers match the traffic records
    Then the name servers' answers for the traffic name match its records

  Scenario: Configured public resolvers return the serving region
    Then the configured resolvers return the region that serves
