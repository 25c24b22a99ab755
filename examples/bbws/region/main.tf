# One region: a load balancer that routes by host, and a Fargate service of WordPress for each tenant.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "name" {
  type = string
}

variable "cidr" {
  type = string
}

variable "domain" {
  type = string
}

variable "hosts" {
  type = map(string)
}

variable "tasks" {
  type = number
}

variable "task_role" {
  type = string
}

variable "start_role" {
  type = string
}

variable "database" {
  type = string
}

variable "secrets" {
  type = map(string)
}

variable "variables" {
  type = map(string)
}

data "aws_region" "this" {}

resource "aws_lb" "this" {
  name                       = "${var.name}-alb"
  security_groups            = [aws_security_group.edge.id]
  subnets                    = aws_subnet.public[*].id
  enable_deletion_protection = true
}

# CloudFront asks for a tenant's host: the certificate covers it, and the origin's own name.
resource "aws_acm_certificate" "this" {
  domain_name       = "*.${var.domain}"
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

# Route 53's health checkers ask without a tenant's host: they see whether the load balancer is there.
resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate.this.arn

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "OK"
      status_code  = "200"
    }
  }
}

resource "aws_lb_listener_rule" "this" {
  for_each = var.hosts

  listener_arn = aws_lb_listener.https.arn
  priority     = 10 * (index(keys(var.hosts), each.key) + 1)

  condition {
    host_header {
      values = [each.value]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.key].arn
  }
}

resource "aws_lb_target_group" "this" {
  for_each = var.hosts

  name                 = "${var.name}-${each.key}-tg"
  port                 = 80
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = aws_vpc.this.id
  deregistration_delay = 30

  health_check {
    path                = "/wp-login.php"
    interval            = 15
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_ecr_repository" "this" {
  name                 = "${var.name}-wordpress"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecs_cluster" "this" {
  name = "${var.name}-cluster"

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = var.hosts

  name              = "/ecs/${var.name}-${each.key}"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "this" {
  for_each = var.hosts

  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  task_role_arn            = var.task_role
  execution_role_arn       = var.start_role

  volume {
    name = "content"

    efs_volume_configuration {
      file_system_id     = aws_efs_file_system.this.id
      transit_encryption = "ENABLED"

      authorization_config {
        access_point_id = aws_efs_access_point.this[each.key].id
        iam             = "ENABLED"
      }
    }
  }

  container_definitions = jsonencode([{
    name         = "wordpress"
    image        = "${aws_ecr_repository.this.repository_url}:6.6.2"
    essential    = true
    portMappings = [{ containerPort = 80, protocol = "tcp" }]
    mountPoints  = [{ sourceVolume = "content", containerPath = "/var/www/html/wp-content" }]

    environment = [for key, value in merge(var.variables, {
      WORDPRESS_DB_HOST = "${var.database}:3306"
      WORDPRESS_DB_NAME = "${each.key}_db"
      WORDPRESS_HOME    = "https://${each.value}"
    }) : { name = key, value = value }]

    secrets = [
      { name = "WORDPRESS_DB_USER", valueFrom = "${var.secrets[each.key]}:username::" },
      { name = "WORDPRESS_DB_PASSWORD", valueFrom = "${var.secrets[each.key]}:password::" },
    ]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this[each.key].name
        awslogs-region        = data.aws_region.this.name
        awslogs-stream-prefix = "wordpress"
      }
    }
  }])
}

resource "aws_ecs_service" "this" {
  for_each = var.hosts

  name                              = "${var.name}-${each.key}-service"
  cluster                           = aws_ecs_cluster.this.id
  task_definition                   = aws_ecs_task_definition.this[each.key].arn
  desired_count                     = var.tasks
  launch_type                       = "FARGATE"
  platform_version                  = "1.4.0"
  health_check_grace_period_seconds = 60

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this[each.key].arn
    container_name   = "wordpress"
    container_port   = 80
  }

  network_configuration {
    subnets         = aws_subnet.private[*].id
    security_groups = [aws_security_group.tasks.id]
  }

  # A failover, a team's scaling and a restored database change them.
  lifecycle {
    ignore_changes = [desired_count, task_definition]
  }

  depends_on = [aws_lb_listener_rule.this, aws_efs_mount_target.this]
}

output "balancer" {
  value = { arn = aws_lb.this.arn, dns_name = aws_lb.this.dns_name, zone_id = aws_lb.this.zone_id }
}
