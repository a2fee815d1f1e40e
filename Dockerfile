# The dependencies are fetched and the code is compiled once, at build time.
FROM denoland/deno:2.9.6 AS build
WORKDIR /app
COPY deno.json deno.lock ./
COPY main.ts ./
COPY lib ./lib
ENV DENO_DIR=/app/.deno
RUN deno cache --frozen main.ts lib/worker/worker.ts lib/outbox/sqlite/worker.ts lib/outbox/jetstream/worker.ts

FROM denoland/deno:2.9.6
WORKDIR /app
COPY --from=build --chown=root:root /app /app
ENV DENO_DIR=/app/.deno \
  DENO_NO_UPDATE_CHECK=1 \
  WS2API_LISTEN=:4000 \
  WS2API_LOG_FORMAT=json \
  OTEL_EXPORTER_OTLP_TIMEOUT=300 \
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2048
# A place for WS2API_OUTBOX=/var/lib/ws2api: a volume there is the gateway's own.
RUN install -d -o deno -g deno -m 700 /var/lib/ws2api
# Give WS2API_API_TOKEN: without a token the gateway refuses to start on a public address.
USER deno
EXPOSE 4000
# It ends within --drain-timeout (10s) and 2 s; Docker waits for 10 s: docker run --stop-timeout 15.
STOPSIGNAL SIGTERM
# Not /readyz?strict: while NATS is away it serves on. With --api-listen, TLS or another port give a
# --health-cmd of your own. An image in OCI's format has no health check, and buildah and podman leave it
# out without --format docker: compose.yaml and the probes of examples/kubernetes have theirs, whatever
# the format is.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["deno", "eval", "const r = await fetch('http://127.0.0.1:4000/readyz'); Deno.exit(r.ok ? 0 : 1)"]
# The shell tells how many files may be opened and which variables there are, and makes way for the program.
ENTRYPOINT ["sh", "-c", "WS2API_OPEN_FILES=$(ulimit -Hn) WS2API_VARIABLES=$(export -p | sed -n 's/^export \\(WS2API_[A-Za-z0-9_]*\\).*/\\1/p') exec \"$0\" \"$@\"", \
  "deno", "run", "--cached-only", "--frozen", "--no-prompt", \
  "--v8-flags=--heap-growing-percent=70,--max-semi-space-size=16", \
  "--allow-net", "--allow-read", "--allow-write", "--allow-sys", "--allow-env=WS2API_*,HTTP_PROXY,HTTPS_PROXY,ALL_PROXY,http_proxy,https_proxy,all_proxy", "main.ts"]
