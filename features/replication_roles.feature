@replication @US-018
Feature: IAM: the roles that copy to the DR region may do so

  Background:
    Given the estate as observed in both regions

  Scenario: The job role may replicate objects back to the primary region
    Then the role of S3 Batch Replication jobs trusts S3 Batch Operations, and may replicate every bucket copy back

  Scenario: The backup role may restore files in the DR region
    Then the role that restores files from a backup may do so in the DR region, and the vault there lets the restore start

  Scenario: Replication roles may copy
    Then the roles that replicate objects to the DR region may read the originals and write the copies

  Scenario: Backup roles may copy
    Then the roles that copy backups to the DR region may read the originals and write the copies

  Scenario: Policies of bucket copies and table replicas admit the tasks that those of their sources admit
    Then no policy of a bucket copy or table replica keeps out tasks whom its source lets in

  Scenario: Policies of bucket copies and table replicas admit the operator
    Then no policy of a bucket copy or table replica keeps out the operator's role, which its source lets in
