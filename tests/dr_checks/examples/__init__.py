"""A passing, a failing and a not-seen example of every check: one module a noun, each with a list EXAMPLES."""
