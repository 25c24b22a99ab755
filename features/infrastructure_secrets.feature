@infrastructure @US-027
Feature: Secrets Manager: secrets are readable in the DR region and reference it

  Background:
    Given the estate as observed in both regions

  Scenario: Tenant secrets exist in the DR region
    Then every secret the tenants need exists in the DR region

  Scenario: Secrets can be decrypted in the DR region
    Then every secret in the DR region can be decrypted there

  Scenario: Secrets of the DR region do not reference the primary region
    Then no secret in the DR region references the primary region

  Scenario: Policies of secrets admit the operator
    Then no policy of a secret in the DR region denies the operator's role what a run does with it

  Scenario: Secrets have the same fields in both regions
    Then every secret has the same fields in both regions

  Scenario: Secrets of the tenants are alike
    Then no tenant's secret differs from the other tenants' in what it leads to, unless tasks run with it

  Scenario: The master credentials are those of the database that is restored
    Then the master credentials of the DR region name the master user of the database that is restored there

  Scenario: Secrets and parameters of task definitions exist
    Then every secret and parameter that task definitions of the DR region name exists there, with the field they read

  Scenario: Files of environment variables exist in the DR region
    Then every file of variables that task definitions of the DR region name is there, outside the primary region
