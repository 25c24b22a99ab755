@infrastructure @US-027
Feature: The edge follows the traffic and keeps HTTPS

  Background:
    Given the estate as observed in both regions

  Scenario: The distribution is at work
    Then the distribution that serves the tenants is enabled and deployed

  Scenario: One change of DNS moves every tenant
    Then the distribution fetches from the traffic name, so that one change moves every tenant

  Scenario: An origin group is a real second way
    Then an origin group, where there is one, falls over to another origin on server errors

  Scenario: Visitors keep HTTPS
    Then the distribution speaks HTTPS with a certificate of its own

  Scenario: No certificate dies during a long recovery
    Then no certificate of the estate runs out within the configured days

  Scenario: Nobody has to remember a certificate
    Then every certificate of the estate renews by itself
