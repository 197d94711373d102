"""The study's config: one module per section, checked into typed objects; errors in one line."""
