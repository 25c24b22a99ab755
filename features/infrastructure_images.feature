@infrastructure @US-027
Feature: ECR: today's images can be started in the DR region

  Background:
    Given the estate as observed in both regions

  Scenario: Image repositories exist in the DR region
    Then every image repository in use exists in the DR region

  Scenario: Running images are in the DR region's registry
    Then every image that the primary region runs is in the DR region's registry, by digest

  Scenario: Image pulls in the DR region do not depend on the primary region
    Then every tenant's task definition in the DR region pulls its images without the primary region

  Scenario: Task definitions of both regions start the same image
    Then every tenant's task definition in the DR region starts the image that the primary region runs

  Scenario: Images of the DR region's task definitions are in its registry
    Then every image that task definitions of the DR region name is in the registry they pull it from

  Scenario: Images are kept as long as in the primary region
    Then no image repository of the DR region expires images sooner than the primary region's
