"""The log: trees, tiles and signed notes. It knows no minerals; a leaf is bytes."""
