@prerequisites @US-027
Feature: Prerequisites: access, contacts and tools for a recovery

  Background:
    Given the estate as observed in both regions

  Scenario: STS accepts the credentials in both regions
    Then the credentials are accepted by the STS endpoint of each region

  Scenario: Both regions are enabled for the account
    Then both regions are enabled for the account

  Scenario: The control table is active in the DR region
    Then the control table is active in the DR region

  Scenario: A run could begin now
    Then a run could begin now: the control table answers all that a run asks first, and nobody stopped all runs

  Scenario: Services are of a kind that is supported
    Then every tenant's service is of a kind that this tool recovers: deployed by ECS itself, on Fargate

  Scenario: The database is of a kind that is supported
    Then the database is of a kind that this tool recovers: an instance of its own, whose replica the settings name
  Scenario: What stands in the control table can be read
    Then every item that stands in the control table can be read

  Scenario: The control table has point-in-time recovery
    Then the control table can itself be recovered, and is not deleted by mistake

  Scenario: The control table asks for as many people as the environment file
    Then the control table asks for as many people as the environment file

  Scenario: An approver has pinned the rules by which a plan runs
    Then an approver has pinned the rules by which a plan runs

  Scenario: The map file names what runs
    Then the load balancer, the cluster, its services and the stores of the region are those of the map file

  Scenario: The runbook is readable without the primary region and recently reviewed
    Then the recovery runbook can be read without the primary region, and was reviewed recently

  Scenario: Every playbook role has a contact
    Then every role of the playbook has a contact

  Scenario: The operator's role is allowed every call of the playbooks
    Then the operator's role is allowed every call of the playbooks

  Scenario: The operator's role cannot delete primary data
    Then the operator's role cannot delete primary data

  Scenario: Notification topics exist in both regions
    Then every notification topic exists in both regions

  Scenario: Notification topics have confirmed subscribers
    Then every notification topic has a confirmed subscriber

  Scenario: Notification topics have the same subscribers in both regions
    Then the notification topics of the DR region have the subscribers of the primary region's

  Scenario: Messages to notification topics of the DR region arrive
    Then alarms and the tool may publish to every notification topic of the DR region, and what is subscribed takes it

  Scenario: The Terraform state is readable in the DR region
    Then the Terraform state can be read from the DR region

  Scenario: The Terraform state in the DR region is current
    Then the Terraform state in the DR region is the primary region's current one

  Scenario: A Terraform lock table exists in the DR region
    Then Terraform finds a lock table in the DR region

  Scenario: No lock was left on the Terraform state
    Then no lock was left on the Terraform state
