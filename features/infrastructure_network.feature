@infrastructure @US-027
Feature: VPC: the network of the DR region has room for a failover

  Background:
    Given the estate as observed in both regions

  Scenario: The VPC of the DR region is available
    Then the VPC of the DR region is available

  Scenario: The VPC layout matches the primary region
    Then the VPC of the DR region has the layout of the primary region's

  Scenario: Service subnets cover at least two availability zones
    Then services of the DR region may run in subnets of at least two availability zones

  Scenario: Free IP addresses suffice for a failover
    Then the subnets of the DR region have free addresses for every task of a failover

  Scenario: Security group rules match in both regions
    Then security groups of the DR region allow the same traffic as the primary region's

  Scenario: Services use the same security groups in both regions
    Then services of the DR region use the security groups that the primary region's use

  Scenario: Tasks can reach ECR, Secrets Manager and CloudWatch Logs
    Then tasks of the DR region have a network route to pull their image, read their secret and write their log

  Scenario: More specific routes drop and divert no traffic
    Then no more specific route drops traffic of the DR region's tasks, database or visitors, or sends it another way

  Scenario: The database's subnets are private
    Then no subnet in which the database is restored is led to from the internet

  Scenario: Visitors reach the load balancer, and it reaches the tasks' zones
    Then visitors reach the load balancer of the DR region, and it reaches every zone in which tasks start

  Scenario: The VPC resolves names
    Then the VPC of the DR region resolves names for its tasks

  Scenario: Tasks are given a name server that knows the VPC
    Then tasks of the DR region are given a name server that knows the VPC's names

  Scenario: Rules of the resolver lead to name servers that answer
    Then no rule of the resolver sends what tasks of the DR region ask to name servers that do not answer

  Scenario: A firewall of the resolver lets tasks ask for what they need
    Then no firewall of the DR region's resolver blocks a name that tasks ask for

  Scenario: Network ACLs admit the traffic of a recovery
    Then the network ACLs of the DR region admit the traffic of tasks, database, files and visitors

  Scenario: VPC endpoints admit the tasks
    Then the VPC endpoints of the DR region let the tasks through to what they start with

  Scenario: VPC endpoints admit the tasks to their stores
    Then the VPC endpoints of the DR region let the tasks through to the copies of their buckets and tables
