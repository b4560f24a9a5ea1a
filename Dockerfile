# The webhook and its controller: no shell needed, no root, nothing written but /tmp.
#
# docs/image.md: how to build it for both architectures, with an SBOM, from a base pinned by digest.
ARG PYTHON=python:3.13-slim-trixie

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.txt requirements-wheel.txt ./
RUN python -m venv /build && /build/bin/pip install --no-cache-dir --require-hashes -r requirements-wheel.txt \
 && python -m venv --without-pip /app \
 && /build/bin/pip --python /app/bin/python install --no-cache-dir --no-compile --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY webhook webhook
COPY policies policies
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /build/bin/pip --python /app/bin/python install --no-cache-dir --no-compile --no-index --no-deps /wheels/*.whl
# By content, not by time: compiled modules stay good however layers are copied, and need no writing.
RUN /app/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /app

FROM ${PYTHON}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="podworthy" \
      org.opencontainers.image.description="Policy admission webhook: pods that can be probed, data that outlives them" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /app /app
ENV PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 8443
ENTRYPOINT ["/app/bin/podworthy"]
CMD ["serve", "--cert", "/etc/podworthy/tls/tls.crt", "--key", "/etc/podworthy/tls/tls.key"]
