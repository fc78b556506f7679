# Serves the exported model (ml/model) and nothing else. Train first (`make run`), then:
#   docker build --tag credit-scoring . && docker run --rm --publish 1234:1234 credit-scoring
# POST /invocations with {"dataframe_split": {"columns": [...], "data": [[...]]}} answers {"predictions": [...]} with one
# object per client: {"probability": of default, "decision": "grant" or "refuse", "threshold": refused from here on}.
# The code that loads the model is part of ml/model (its folder code/ml).
FROM python:3.11-slim

# LightGBM computes with OpenMP.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

# The packages the model was stored with, pinned; their layer outlives a new model with the same pins.
COPY ml/model/requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt

RUN useradd --create-home --uid 10001 scoring
COPY --chown=scoring:scoring ml/model /model
USER scoring
WORKDIR /home/scoring

ENV MLFLOW_DISABLE_TELEMETRY=true \
    DO_NOT_TRACK=1 \
    OMP_WAIT_POLICY=PASSIVE \
    __pyfunc_model_path__=/model \
    PYTHONUNBUFFERED=1

EXPOSE 1234
# The first process of a container ignores SIGTERM unless it handles it; Python handles SIGINT.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:1234/ping', timeout=4)"]
# MLflow's scoring server, whose errors are shortened to one line: what `mlflow models serve` runs, with one layer around.
CMD ["uvicorn", "--factory", "--app-dir", "/model/code", "--host", "0.0.0.0", "--port", "1234", "ml.served.server:create"]
