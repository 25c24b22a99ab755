@infrastructure @US-027
Feature: The DR region is watched as the primary region is

  Background:
    Given the estate as observed in both regions

  Scenario: Containers have somewhere to write their log
    Then every log group that the DR region's containers write to exists

  Scenario: The record of a failover is kept
    Then log groups of the DR region keep what they hold as long as those of the primary region

  Scenario: Trouble is watched for in both regions
    Then the alarms that watch the platform exist in both regions

  Scenario: Nothing is on fire now
    Then no alarm of the platform is going off

  Scenario: The same trouble raises the same alarm
    Then alarms of the DR region watch what the primary region's watch, with the same limits

  Scenario: Somebody outside the dark region is told
    Then alarms of the DR region tell somebody in the DR region when they go off
