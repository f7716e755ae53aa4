# One image for the service and for a witness: the same wheel, the versions of docker/service.lock, nothing else.
# Another registry or mirror: --build-arg PYTHON_IMAGE=...; pip takes its index from the build's environment.
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY docker/build.lock docker/service.lock docker/
RUN python -m venv /build && /build/bin/pip install --require-hashes -r docker/build.lock \
 && python -m venv /opt/lodeline && /opt/lodeline/bin/pip install --require-hashes -r docker/service.lock
# The batch check of signatures, compiled with what native/compiler.lock names: the base image has no compiler.
COPY native native
RUN /opt/lodeline/bin/python native/build.py --tools /build/tools && rm -rf /build/tools
COPY pyproject.toml README.md LICENSE ./
COPY ledger ledger
COPY service service
COPY clients clients
COPY contracts contracts
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/lodeline/bin/pip install --no-deps --no-index /wheels/*.whl \
 && /opt/lodeline/bin/pip uninstall --yes pip setuptools

FROM ${PYTHON_IMAGE}
# The state folder may be written by whatever user the container runs as: it is a volume of its own.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin lodeline \
 && install --directory --mode=1777 /var/lib/lodeline
COPY --from=build /opt/lodeline /opt/lodeline
ENV PATH=/opt/lodeline/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    LODELINE_STATE=/var/lib/lodeline LODELINE_HOST=0.0.0.0 LODELINE_PORT=8000
USER 10001:10001
WORKDIR /var/lib/lodeline
VOLUME /var/lib/lodeline
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["lodeline-server", "serve"]
