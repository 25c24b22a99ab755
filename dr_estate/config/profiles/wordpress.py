"""WordPress: the login page has the site's own host in each of its links, and reads the database."""

from __future__ import annotations

from dr_estate.config.profiles.profile import Profile

PROFILE = Profile(
    probe_path="/wp-login.php",
    names_host=True,
    variables=("WORDPRESS_",),
    posts=("wp-login.php", "wp-admin/post.php"),
    own_schema=True,
)
