@replication @US-018
Feature: S3: objects are replicated and protected in the DR region

  Background:
    Given the estate as observed in both regions

  Scenario: Every bucket has a copy in the DR region
    Then every bucket exists in the primary region and has its copy in the DR region

  Scenario: Versioning is enabled on buckets and their copies
    Then versioning is enabled on every bucket and its copy

  Scenario: Replication rules cover all objects
    Then every bucket has an enabled rule that replicates all of its objects into its copy

  Scenario: No replication rule overtakes the one for all objects
    Then no replication rule of a higher priority takes objects from the rule that replicates all of a bucket

  Scenario: KMS-encrypted objects are replicated
    Then every replication rule of a KMS-encrypted bucket includes its encrypted objects

  Scenario: Deletions are replicated
    Then deletions are replicated to every copy, so that no deleted object reappears after a failover

  Scenario: Replication metrics are enabled
    Then every replication rule has time control and metrics, so that its lag is known

  Scenario: Object replication lag is within the agreed time
    Then every bucket copy lags its source by no more than the agreed time, by a fresh metric

  Scenario: No object failed to replicate recently
    Then no object of any bucket failed to replicate recently

  Scenario: Bucket copies are encrypted under DR region keys
    Then every bucket copy is encrypted as well as its source, under a key of the DR region

  Scenario: Bucket copies block public access
    Then no bucket copy allows public access where its source does not

  Scenario: Bucket copies hold what their sources hold
    Then every bucket copy holds about as many objects as its source, those of before its replication rule too

  Scenario: Objects of bucket copies are not archived
    Then objects of every bucket copy can be read at once, as those of its source

  Scenario: Browsers may do with bucket copies what they may do with their sources
    Then every bucket copy lets the pages of the sites read and upload as its source does

  Scenario: Bucket copies answer as websites as their sources do
    Then every bucket copy answers as a website as its source does

  Scenario: Bucket copies take uploads with access control lists as their sources do
    Then every bucket copy takes uploads with access control lists as its source does

  Scenario: Bucket copies have the event notifications of their sources
    Then every bucket copy notifies of its events whom its source notifies

  Scenario: Lifecycle rules of bucket copies match the source
    Then no bucket copy expires or archives objects sooner than its source
