# One image, two entry points: scriptorium-runner and scriptorium-operator.
# The base needs Python 3.11 or newer with venv; both stages use the same one, so that what is built runs.
ARG BASE_IMAGE=python:3.11-slim-bookworm
# Where the JavaScript engine is compiled. Debian 12 for its gcc 12; the module runs with newer C libraries and Pythons.
ARG ENGINE_BASE_IMAGE=python:3.11-slim-bookworm

FROM ${ENGINE_BASE_IMAGE} AS engine
WORKDIR /src
COPY engine_build engine_build
# "rebuilt" compiles it, unless a wheel is in engine_build/dist; "wheel" ships it as delivered, 2 to 3 times slower.
ARG ENGINE=rebuilt
RUN mkdir /engine \
 && if [ "$ENGINE" = wheel ]; then \
      echo 'WARNING: ENGINE=wheel: this image has the slower JavaScript engine, 2 to 3 times as slow' >&2; \
    elif [ "$ENGINE" != rebuilt ]; then \
      echo "error: ENGINE must be rebuilt or wheel, not $ENGINE" >&2; exit 1; \
    elif ! cp engine_build/dist/*.whl /engine/ 2> /dev/null; then \
      apt-get update --quiet --quiet \
      && apt-get install --quiet --quiet --yes --no-install-recommends gcc libc6-dev \
      && python3 -m engine_build.build --into /engine; \
    fi

FROM ${BASE_IMAGE} AS build
WORKDIR /src
# Dependencies first: they change seldom, and this layer is then reused.
COPY pyproject.toml constraints.txt ./
RUN python3 -m venv /opt/scriptorium \
 && python3 -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > dependencies.txt \
 && /opt/scriptorium/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt \
    --requirement dependencies.txt
# The gate: an engine that was compiled and is not at least 1.8 times as fast as the wheel ends the build here.
COPY engine_build engine_build
COPY --from=engine /engine /engine
RUN for wheel in /engine/*.whl; do \
      if [ -e "$wheel" ]; then python3 -m engine_build.ship "$wheel" --python /opt/scriptorium/bin/python; fi || exit 1; \
    done
COPY README.md ./
COPY crds crds
COPY client client
COPY operator operator
COPY runner runner
RUN /opt/scriptorium/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps . \
 && /opt/scriptorium/bin/pip uninstall --yes --quiet setuptools pip
# A run in a pod of its own waits for its modules: from one file they come sooner.
RUN PYDANTIC_DISABLE_PLUGINS=__all__ /opt/scriptorium/bin/python -m scriptorium_runner.own_pod.make_bundle

FROM ${BASE_IMAGE}
COPY --from=build /opt/scriptorium /opt/scriptorium
# Libraries ask for the user's name; a number alone has none.
RUN echo 'scriptorium:x:65532:65532::/tmp:/usr/sbin/nologin' >> /etc/passwd
# pydantic looks for plugins in all that is installed, whenever a program starts; there are none.
ENV PATH=/opt/scriptorium/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYDANTIC_DISABLE_PLUGINS=__all__
USER 65532:65532
WORKDIR /tmp
CMD ["scriptorium-runner", "--help"]
