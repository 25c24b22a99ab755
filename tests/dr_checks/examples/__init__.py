"""A passing, a failing and a not-seen example of every check: one module a noun, each with a list EXAMPLES.

``HEALTHY_PARTS`` gives the healthy estate of ``tests/dr_checks/estates.py`` the parts that no recorded evidence holds.
"""
