@infrastructure @US-027
Feature: EFS: tasks in the DR region can mount every tenant's files

  Background:
    Given the estate as observed in both regions

  Scenario: The shared file system is available in the DR region
    Then the shared file system exists in the DR region and is available

  Scenario: Mount targets are available in every zone that runs tasks
    Then every availability zone in which the DR region starts tasks has an available mount target

  Scenario: Mount targets accept connections from every service
    Then the mount targets of the DR region accept NFS connections from the tasks of every service

  Scenario: Every tenant has an EFS access point in the DR region
    Then every tenant has an available access point in the DR region

  Scenario: EFS access points have the same path and user in both regions
    Then every tenant's access point in the DR region has the same directory and user as in the primary region

  Scenario: Task definitions mount the DR region's file system
    Then every tenant's task definition in the DR region mounts the tenant's own access point of the DR file system

  Scenario: The file system is encrypted under a DR region key
    Then the file system of the DR region is encrypted under a key of the DR region

  Scenario: File system throughput matches the primary region
    Then the file system of the DR region has the throughput of the primary's

  Scenario: File system policies grant the same access in both regions
    Then the file system policy of the DR region grants the access that the primary region's grants
