@dns @US-027
Feature: The world hears what the records say

  Background:
    Given the estate as observed in both regions

  Scenario: No name server is deaf
    Then every name server of the zone answers for it

  Scenario: A change of the zone reaches the world
    Then the parent zone sends resolvers to this zone's own name servers

  Scenario: Answers and records agree
    Then the name servers answer for the traffic name as its records say

  Scenario: Visitors behind the named resolvers follow a failover
    Then the configured resolvers lead visitors to where the traffic goes
