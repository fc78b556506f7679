"""What the page of `warehouse.profile` says: measured in SQL, drawn as self-contained HTML."""
