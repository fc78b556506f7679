"""What a publication adds to the marts for analysts: lineage, bins, where they come from, and a first page."""
