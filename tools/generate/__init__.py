"""Everything that is generated from ``schema/events.toml``."""
