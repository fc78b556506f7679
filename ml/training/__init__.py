"""Training a recipe and challenging the champion."""
