# Two images from one file. The last stage, which `docker build .` makes, serves the exported model (ml/model) and nothing
# else. Train first (`make run`), then:
#   docker build --tag credit-scoring . && docker run --rm --publish 1234:1234 credit-scoring
# POST /invocations with {"dataframe_split": {"columns": [...], "data": [[...]]}} answers {"predictions": [...]} with one
# object per client: {"probability": of default, "decision": "grant" or "refuse", "threshold": refused from here on}.
# The code that loads the model is part of ml/model (its folder code/ml).
#   docker build --target api --tag credit-api .
# serves decisions by client and for new applicants (ml/serving); snapshots, record and keys are mounted at /data, and the
# model is the champion of MLFLOW_TRACKING_URI, or the exported one with CREDIT_SERVED_MODEL=/app/ml/model.
FROM python:3.11-slim AS base

# LightGBM computes with OpenMP.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 scoring

ENV MLFLOW_DISABLE_TELEMETRY=true \
    DO_NOT_TRACK=1 \
    OMP_WAIT_POLICY=PASSIVE \
    PYTHONUNBUFFERED=1

# The first process of a container ignores SIGTERM unless it handles it; Python handles SIGINT.
STOPSIGNAL SIGINT

FROM base AS api

COPY ml/serving/requirements.txt /tmp/requirements.txt
# Tests of the packages, headers and stubs, remote calls of Arrow, and languages in which nothing is written would be a
# fifth of the image.
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt \
    && cd "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && find . -type d -name tests -prune -exec rm -rf {} + \
    && find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name '*.a' \) -delete \
    && rm -rf pyarrow/include pyarrow/src pyarrow/*flight* \
    && find babel/locale-data -name '*.dat' ! -name 'en*' ! -name 'fr*' ! -name 'root.dat' -delete

COPY ml /app/ml
COPY warehouse /app/warehouse
RUN mkdir /data && chown scoring:scoring /data
USER scoring
WORKDIR /app
VOLUME /data

ENV CREDIT_PUBLISHED_DIR=/data/published \
    CREDIT_DECISIONS=sqlite:////data/serving/decisions.db \
    CREDIT_PREPARED=/data/serving/prepared \
    CREDIT_API_KEYS_FILE=/data/keys.json \
    PYTHONDONTWRITEBYTECODE=1

EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/ready', timeout=4)"]
CMD ["python", "-m", "ml.serve", "--host", "0.0.0.0", "--port", "8000", "--workers", "2"]

FROM base AS model

# The packages the model was stored with, pinned; their layer outlives a new model with the same pins.
COPY ml/model/requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt

COPY --chown=scoring:scoring ml/model /model
USER scoring
WORKDIR /home/scoring

ENV __pyfunc_model_path__=/model

EXPOSE 1234
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:1234/ping', timeout=4)"]
# MLflow's scoring server, whose errors are shortened to one line: what `mlflow models serve` runs, with one layer around.
CMD ["uvicorn", "--factory", "--app-dir", "/model/code", "--host", "0.0.0.0", "--port", "1234", "ml.served.server:create"]
