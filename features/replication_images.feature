@replication @US-018
Feature: The next release reaches the DR region by itself

  Background:
    Given the estate as observed in both regions

  Scenario: New images are copied as they are pushed
    Then the primary region's image registry replicates every repository in use to the DR region
