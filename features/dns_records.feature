@dns @US-027
Feature: The traffic name is ready to be moved

  Background:
    Given the estate as observed in both regions

  Scenario: The cut-over point is complete
    Then both traffic records exist, and nothing else answers to their name

  Scenario: Each record opens the right door
    Then each traffic record leads to the load balancer of its own region

  Scenario: No record has to be converted during an outage
    Then the traffic records already have their final routing policy

  Scenario: The way home need not be taken by everybody at once
    Then the traffic records share visitors by weight, so that a failback can go home in stages

  Scenario: Visitors do not stay behind in a cache
    Then no name on the way to the origin is cached longer than the cut-over can wait

  Scenario: No health is hoped for where none is measured
    Then no record relies on CloudFront to report its own health

  Scenario: Resolvers stay with the zone's own servers
    Then the zone names the very servers that Route 53 gave it

  Scenario: Records can be changed even when us-east-1 is lost
    Then records can be changed again within the hour after us-east-1 is lost

  Scenario: A short absence is not remembered for long
    Then a name that was missing for a moment is soon asked for again
