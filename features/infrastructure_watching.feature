@infrastructure @US-027
Feature: CloudWatch: logs and alarms match in both regions

  Background:
    Given the estate as observed in both regions

  Scenario: Log groups exist in the DR region
    Then every log group that the DR region's containers write to exists

  Scenario: Keys of log groups can be used
    Then the key of each log group that tasks of the DR region write to is enabled, and admits CloudWatch Logs

  Scenario: Log retention matches in both regions
    Then log groups of the DR region have at least the retention of the primary region's

  Scenario: CloudWatch alarms exist in both regions
    Then the CloudWatch alarms of the platform exist in both regions

  Scenario: No CloudWatch alarm is in ALARM state
    Then no CloudWatch alarm of the platform is in ALARM state

  Scenario: Alarm metrics and thresholds match in both regions
    Then alarms of the DR region have the metrics and thresholds of the primary region's

  Scenario: Alarms of the DR region notify a topic in the DR region
    Then alarms notify somebody, those of the DR region through the DR region
