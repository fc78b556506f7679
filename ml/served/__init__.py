"""What a model server loads: the scorer and its transformers. It imports nothing else of this project."""
