# Python 3.11 and Java 17 with both environments: one image for every service of docker-compose.yaml.
FROM python:3.11-slim-bookworm

# Unpinned: Debian keeps no older version that could be named.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home --home-dir /clickstream clickstream
USER 1000
WORKDIR /clickstream

# What the environments are made from alone: other changes of the code make none of them anew.
COPY --chown=1000 Makefile requirements.txt requirements-dev.txt ./
COPY --chown=1000 local/requirements.txt local/
COPY --chown=1000 commands/__init__.py commands/doctor.py commands/install.py commands/processes.py commands/
RUN make environments

# Spark's jars.
COPY --chown=1000 local/ local/
RUN .venv/local/bin/python -m local.glue.warm

COPY --chown=1000 . .
# A new volume takes its owner from here.
RUN mkdir .state
