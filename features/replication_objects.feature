@replication @US-018
Feature: The estate's objects are in the DR region, complete and as safe as the originals

  Background:
    Given the estate as observed in both regions

  Scenario: No bucket is without its copy
    Then every bucket exists in the primary region and has its copy in the DR region

  Scenario: Deleted and overwritten objects can be brought back
    Then every bucket and its copy keep all versions of their objects

  Scenario: Every object is replicated
    Then every bucket has an enabled rule that replicates all of its objects into its copy

  Scenario: Encrypted objects are not left out
    Then every rule of a bucket encrypted under a KMS key also replicates the objects encrypted so

  Scenario: What was deleted stays deleted
    Then deletions are replicated to every copy, so that nothing deleted comes back after a failover

  Scenario: Somebody measures the replication of objects
    Then every replication rule is timed and measured, so that its lag is known

  Scenario: Little would be lost of the objects
    Then every copy of a bucket trails its original by no more than the agreed time, by a fresh metric

  Scenario: No object was left behind
    Then no object of any bucket has lately failed to replicate

  Scenario: The copies are encrypted
    Then every copy of a bucket is encrypted as well as its original, under a key of the DR region

  Scenario: The copies are closed to the public
    Then no copy of a bucket is open to the public where its original is closed

  Scenario: The copies are kept as long as the originals
    Then no copy of a bucket lets go of objects, or archives them, sooner than its original
