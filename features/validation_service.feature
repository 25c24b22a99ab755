@validation @US-027
Feature: After a failover the DR region serves

  Background:
    Given the estate as observed in both regions

  Scenario: Nobody is left behind
    Then every tenant is served by the DR region as itself

  Scenario: The DR region carries what the primary did
    Then every tenant's service runs its full number of healthy tasks in the DR region

  Scenario: The DR region stands alone
    Then nothing that serves in the DR region depends on the primary region

  Scenario: Visitors are led to the DR region
    Then the traffic name's answers lead to the DR region

  Scenario: Nobody goes home by himself
    Then visitors stay in the DR region when the primary region turns healthy again

  Scenario: The old primary keeps its hands still
    Then the old primary region runs nothing that writes

  Scenario: Somebody hears what happens next
    Then the topics of the DR region reach somebody
