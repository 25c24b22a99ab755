@prerequisites @US-027
Feature: Prerequisites: what a run leaves is believed by an auditor

  Background:
    Given the estate as observed in both regions

  Scenario: Evidence can be signed
    Then the key that signs evidence works in the DR region

  Scenario: Anchors of journals are retained for an audit
    Then the anchors of journals stay in the DR region as long as an audit looks back
