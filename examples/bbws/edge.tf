# Visitors: each tenant's name leads to one distribution, whose origin is a name with a record for each region.

locals {
  balancers = { primary = module.primary.balancer, dr = module.dr.balancer }
}

resource "aws_route53_zone" "this" {
  name = local.domain
}

resource "aws_route53_health_check" "this" {
  for_each = local.balancers

  type              = "HTTPS"
  fqdn              = each.value.dns_name
  port              = 443
  resource_path     = "/"
  request_interval  = 10
  failure_threshold = 3
}

resource "aws_route53_record" "origin" {
  for_each = local.balancers

  zone_id         = aws_route53_zone.this.zone_id
  name            = "origin.${local.domain}"
  type            = "A"
  set_identifier  = each.key == "primary" ? "primary-af-south-1" : "secondary-eu-west-1"
  health_check_id = aws_route53_health_check.this[each.key].id

  failover_routing_policy {
    type = each.key == "primary" ? "PRIMARY" : "SECONDARY"
  }

  alias {
    name                   = each.value.dns_name
    zone_id                = each.value.zone_id
    evaluate_target_health = false
  }
}

resource "aws_acm_certificate" "this" {
  provider          = aws.global
  domain_name       = "*.${local.domain}"
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudfront_distribution" "this" {
  enabled         = true
  is_ipv6_enabled = true
  aliases         = ["*.${local.domain}"]

  origin {
    origin_id   = "platform"
    domain_name = "origin.${local.domain}"

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  default_cache_behavior {
    target_origin_id         = "platform"
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods           = ["GET", "HEAD"]
    cache_policy_id          = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" # CachingDisabled
    origin_request_policy_id = "216adef6-5c7f-47e4-b989-5492eafa07d3" # AllViewer: the load balancer routes by Host
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn      = aws_acm_certificate.this.arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2019"
  }
}

resource "aws_route53_record" "tenant" {
  for_each = local.hosts

  zone_id = aws_route53_zone.this.zone_id
  name    = each.value
  type    = "A"

  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}
