@replication @US-018
Feature: IAM: the roles that copy to the DR region may do so

  Background:
    Given the estate as observed in both regions

  Scenario: The role of S3's jobs may bring objects home
    Then the role that jobs of S3 take to bring objects home trusts S3 Batch Operations, and may do so for every copy

  Scenario: The backup role may restore files in the DR region
    Then the role that restores files from a backup may do so in the DR region, and the vault there lets the restore start

  Scenario: Replication and backup roles may copy
    Then the roles that copy objects and backups to the DR region may read the originals and write the copies

  Scenario: Policies of bucket copies and table replicas keep nobody out
    Then no policy of a bucket copy or table replica keeps out whom its source lets in
