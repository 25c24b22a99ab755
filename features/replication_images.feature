@replication @US-018
Feature: ECR: new images are replicated to the DR region

  Background:
    Given the estate as observed in both regions

  Scenario: New images are replicated to the DR region
    Then the primary region's image registry replicates every repository in use to the DR region
