# syntax=docker/dockerfile:1

# Two stages: the first builds, the second runs. Neither holds the embedded stores.
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src
# The dependencies first: they change less often than the code, and are kept as a layer. The locks
# are complete, so nothing is left to resolve (--no-deps) or to build (--only-binary).
COPY requirements/ requirements/
RUN python -m venv --without-pip /opt/quickpoll \
    && python -m pip --python /opt/quickpoll/bin/python install --no-deps \
        --only-binary :all: --require-hashes --requirement requirements/production.txt \
    && python -m pip install --no-deps \
        --only-binary :all: --require-hashes --requirement requirements/build.txt
COPY pyproject.toml hypercorn.toml README.md LICENSE ./
COPY quickpoll/ quickpoll/
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && python -m pip --python /opt/quickpoll/bin/python install --no-deps /wheel/*.whl \
    && /opt/quickpoll/bin/python -m compileall -q /opt/quickpoll/lib

FROM python:${PYTHON_VERSION}-slim-bookworm
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="QuickPoll" \
      org.opencontainers.image.description="Live polls: durable votes, exact counts, every screen right at once" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Nothing is installed at run time, so the installer goes too.
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore pip \
    && groupadd --gid 10001 quickpoll \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin quickpoll
COPY --from=build /opt/quickpoll /opt/quickpoll
COPY hypercorn.toml /srv/quickpoll/hypercorn.toml
WORKDIR /srv/quickpoll
# Everything is compiled already and nothing is written: a read-only file system is enough.
ENV PATH=/opt/quickpoll/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8001
# Ready, not merely alive: whoever waits for it (`docker compose up --wait`) must not take the next
# instance down before this one serves. It is ready, if degraded, without Redis.
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8001/health/ready', timeout=3)"]
STOPSIGNAL SIGTERM
# The process itself, no shell around it: signals reach it.
CMD ["hypercorn", "--config", "hypercorn.toml", "quickpoll.asgi:app"]
