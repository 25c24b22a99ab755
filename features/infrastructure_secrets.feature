@infrastructure @US-027
Feature: The DR region can read the tenants' secrets and they lead to the DR region

  Background:
    Given the estate as observed in both regions

  Scenario: No container waits for a secret
    Then every secret the tenants need exists in the DR region

  Scenario: Secrets can be read where they are needed
    Then every secret in the DR region can be decrypted there

  Scenario: No secret points at the region that is gone
    Then no secret in the DR region leads back to the primary region

  Scenario: Containers find every field they read
    Then every secret has the same fields in both regions
