"""What the user configures: a TOML file and the environment, as checked and frozen settings."""
