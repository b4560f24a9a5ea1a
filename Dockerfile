# The webhook: no shell needed, no root, nothing written but /tmp.
ARG PYTHON=3.13
FROM python:${PYTHON}-slim AS build
WORKDIR /src
COPY requirements.txt requirements-build.txt ./
RUN python -m venv /build && /build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.txt \
 && python -m venv --without-pip /app \
 && /build/bin/pip --python /app/bin/python install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY webhook webhook
COPY policies policies
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /build/bin/pip --python /app/bin/python install --no-cache-dir --no-deps /wheels/*.whl

FROM python:${PYTHON}-slim
COPY --from=build /app /app
USER 65532:65532
EXPOSE 8443
ENTRYPOINT ["/app/bin/podworthy"]
CMD ["serve", "--cert", "/etc/podworthy/tls/tls.crt", "--key", "/etc/podworthy/tls/tls.key"]
