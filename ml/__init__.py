"""Models fitted on the marts: trained, compared, explained, registered and served.

Two libraries read their environment while they are imported, so their defaults stand here, before any import of them.
"""

import os

# Threads that wait give the core away: spinning ones make training many times slower on a machine that is shared.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
