"""Lists that rules judge by: strict parsers of their publishers' files, and dated snapshots named by digest."""
