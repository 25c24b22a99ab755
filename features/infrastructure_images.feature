@infrastructure @US-027
Feature: The images that serve today can be started in the DR region

  Background:
    Given the estate as observed in both regions

  Scenario: The DR region has the repositories it would pull from
    Then every image repository in use exists in the DR region

  Scenario: What runs today is in the DR registry
    Then every image that the primary region runs is in the DR region's registry, by digest

  Scenario: A pull in the DR region does not need the primary region
    Then every tenant's task definition in the DR region pulls its images without the primary region

  Scenario: The failover starts today's release and no other
    Then every tenant's task definition in the DR region starts the image that the primary region runs
