# One image, two entry points: scriptorium-runner and scriptorium-operator.
# The base needs Python 3.11 or newer with venv; both stages use the same one, so that what is built runs.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /src
# Dependencies first: they change seldom, and this layer is then reused.
COPY pyproject.toml constraints.txt ./
RUN python3 -m venv /opt/scriptorium \
 && python3 -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > dependencies.txt \
 && /opt/scriptorium/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt \
    --requirement dependencies.txt
COPY README.md ./
COPY crds crds
COPY client client
COPY operator operator
COPY runner runner
RUN /opt/scriptorium/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps . \
 && /opt/scriptorium/bin/pip uninstall --yes --quiet setuptools pip

FROM ${BASE_IMAGE}
COPY --from=build /opt/scriptorium /opt/scriptorium
# Libraries ask for the user's name; a number alone has none.
RUN echo 'scriptorium:x:65532:65532::/tmp:/usr/sbin/nologin' >> /etc/passwd
ENV PATH=/opt/scriptorium/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /tmp
CMD ["scriptorium-runner", "--help"]
