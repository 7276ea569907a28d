# The image in which a cluster runs any step of the pipeline; `tokenlearner compile` names it to the cluster.
# Its entry takes what stands as `args` of a step in the compiled pipeline.

ARG BASE=python:3.10-slim-bookworm

FROM ${BASE} AS packages
# pyfarmhash has no wheel. The compiler stays behind in this stage, whatever its version.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.lock /tmp/requirements.lock
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement /tmp/requirements.lock
WORKDIR /tmp/project
COPY pyproject.toml README.md LICENSE ./
COPY pipeline pipeline
COPY components components
COPY models models
# The lock holds setuptools, so nothing is fetched that it does not name.
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${BASE}
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
WORKDIR /tokenlearner
COPY data/cifar10_sample data/cifar10_sample
ENTRYPOINT ["python", "-m", "pipeline.kubeflow.step"]
