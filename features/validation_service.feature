@validation @US-027
Feature: Validation: services of the DR region after a failover

  Background:
    Given the estate as observed in both regions

  Scenario: Every tenant is served by the DR region
    Then every tenant's own site is served by the DR region

  Scenario: Services run their full number of healthy tasks
    Then every tenant's service runs its full number of healthy tasks in the DR region

  Scenario: The DR region does not depend on the primary region
    Then nothing that serves in the DR region depends on the primary region

  Scenario: DNS answers point to the DR region
    Then the traffic name resolves to the DR region

  Scenario: Traffic stays in the DR region when the primary recovers
    Then visitors stay in the DR region when the primary region becomes healthy again

  Scenario: The old primary region has no writers
    Then nothing in the old primary region writes data

  Scenario: Notification topics of the DR region have subscribers
    Then the notification topics of the DR region have subscribers
