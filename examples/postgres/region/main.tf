# One region: a load balancer that routes by path, and a Fargate service behind each path.

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

variable "host" {
  type = string
}

variable "cidr" {
  type = string
}

variable "services" {
  type = list(string)
}

variable "paths" {
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

data "aws_region" "this" {}

resource "aws_lb" "this" {
  name_prefix                = "harb-"
  security_groups            = [aws_security_group.edge.id]
  subnets                    = aws_subnet.public[*].id
  enable_deletion_protection = true
}

resource "aws_acm_certificate" "this" {
  domain_name       = var.host
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

# Route 53's health checkers ask without the host: they see whether the load balancer is there.
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
      message_body = "alive"
      status_code  = "200"
    }
  }
}

resource "aws_lb_listener_rule" "this" {
  for_each = var.paths

  listener_arn = aws_lb_listener.https.arn
  priority     = 10 * (index(var.services, each.key) + 1)

  condition {
    host_header {
      values = [var.host]
    }
  }

  condition {
    path_pattern {
      values = [each.value]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.key].arn
  }
}

resource "aws_lb_target_group" "this" {
  for_each = var.paths

  name_prefix          = substr(each.key, 0, 6)
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = aws_vpc.this.id
  deregistration_delay = 30

  health_check {
    path                = "/healthz"
    interval            = 15
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_ecs_cluster" "this" {
  name = "${var.name}-production"

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = var.paths

  name              = "/aws/ecs/${var.name}/${each.key}"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "this" {
  for_each = var.paths

  family                   = each.key
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  task_role_arn            = var.task_role
  execution_role_arn       = var.start_role

  container_definitions = jsonencode([{
    name         = each.key
    image        = "public.ecr.aws/harbor/${each.key}:2025.11"
    essential    = true
    portMappings = [{ containerPort = 8080, protocol = "tcp" }]
    environment = [
      { name = "PGHOST", value = var.database },
      { name = "DB_NAME", value = var.name },
    ]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this[each.key].name
        awslogs-region        = data.aws_region.this.name
        awslogs-stream-prefix = each.key
      }
    }
  }])
}

resource "aws_ecs_service" "this" {
  for_each = var.paths

  name                              = each.key
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
    container_name   = each.key
    container_port   = 8080
  }

  network_configuration {
    subnets         = aws_subnet.private[*].id
    security_groups = [aws_security_group.tasks.id]
  }

  # A failover and a team's scaling change it.
  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_lb_listener_rule.this]
}

output "balancer" {
  value = { arn = aws_lb.this.arn, dns_name = aws_lb.this.dns_name, zone_id = aws_lb.this.zone_id }
}
