@infrastructure @US-027
Feature: The DR region's tasks can mount every tenant's files

  Background:
    Given the estate as observed in both regions

  Scenario: There is a file system to fail over to
    Then the shared file system exists in the DR region and is available

  Scenario: Files can be reached from every zone
    Then every zone in which the DR region starts tasks has an available mount target

  Scenario: No security group stands between tasks and files
    Then the mount targets of the DR region admit the tasks of every service

  Scenario: No tenant is without its door to the files
    Then every tenant has an available access point in the DR region

  Scenario: Each tenant finds its own directory
    Then every tenant's access point in the DR region opens the same directory as the same user as in the primary region

  Scenario: Containers ask for the DR region's files
    Then every tenant's task definition in the DR region mounts the tenant's own access point of the DR file system

  Scenario: The files stay readable when the primary region is gone
    Then the file system of the DR region is encrypted under a key of the DR region

  Scenario: Files answer as quickly after a failover
    Then the file system of the DR region is as fast as the primary's

  Scenario: No policy locks the tasks out of the files
    Then the file system of the DR region turns nobody away whom the primary region's lets in
