"""What import-linter cannot say of the source: shape, purity, what an installation needs, containers, documents."""
