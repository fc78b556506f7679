"""An archive or a folder of the release into the raw folder, whole or not at all."""
