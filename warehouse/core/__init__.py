"""What every part of the project stands on: errors, settings, database, SQL, files, command lines."""
