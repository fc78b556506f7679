"""How like real files the generated ones are."""
