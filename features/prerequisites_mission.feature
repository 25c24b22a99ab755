@prerequisites @US-027
Feature: A recovery can be started, by people who know what to do

  Background:
    Given the estate as observed in both regions

  Scenario: Nobody is locked out of either region
    Then the credentials are accepted by the STS endpoint of each region

  Scenario: Both regions are open to the account
    Then the account has opted into both regions

  Scenario: There is a place for locks, approvals and the incident log
    Then the control table of recoveries is active in the DR region

  Scenario: The incident log survives a mistake
    Then the control table of recoveries can itself be recovered

  Scenario: The runbook is at hand when the primary region is not
    Then the recovery runbook can be read without the primary region, and was reviewed lately

  Scenario: There is somebody to call for every step
    Then every role of the playbook has a contact

  Scenario: No step is denied in the middle of a recovery
    Then the operator's role may take every step of the playbooks

  Scenario: Primary data is safe from the recovery itself
    Then the operator's role cannot delete primary data

  Scenario: Stakeholders can be told from either region
    Then every notification topic exists in both regions

  Scenario: No message goes unheard
    Then somebody listens to every notification topic

  Scenario: The same people hear of a recovery from either region
    Then the notification topics of the DR region tell the same people in the same way as the primary region's

  Scenario: Provisioning does not need the dead region
    Then the Terraform state can be read from the DR region

  Scenario: Provisioning starts from the truth
    Then the Terraform state in the DR region is the one of the primary region

  Scenario: Two people cannot provision at once
    Then Terraform finds a lock table in the DR region
