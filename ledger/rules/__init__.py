"""From a claim to a verdict: rules are data (`packs`), what they ask is code (`checks`), `engine` asks every one."""
