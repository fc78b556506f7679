"""What is read from the marts: training set, clients, feature catalogue, population."""
