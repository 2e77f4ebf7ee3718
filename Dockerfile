# syntax=docker/dockerfile:1

# The image of lnmuxd and lnmuxcli: docs/deploy.md. Targets: debian (default) and alpine, for amd64 and arm64.
# PostgreSQL is not in it: set db.dsn.

ARG NODE_VERSION=24.21.0
ARG DEBIAN_VERSION=bookworm
ARG ALPINE_VERSION=3.22

# What runs, with its dependencies and nothing else. Compilers are for the one native module, secp256k1, where it
# ships no binary (arm64). lnmuxd would do without it, many times slower; here its absence ends the build.
FROM node:${NODE_VERSION}-alpine${ALPINE_VERSION} AS build-alpine
RUN apk add --no-cache g++ make python3
WORKDIR /usr/lib/lnmux
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional && node -e "require('secp256k1/bindings')"
COPY bin bin
COPY src src
COPY migrations migrations
COPY LICENSE lnmux.yml.example ./

FROM alpine:${ALPINE_VERSION} AS alpine
RUN apk add --no-cache ca-certificates libstdc++ tini \
 && ln -s /sbin/tini /usr/bin/tini \
 && addgroup -S -g 10001 lnmux \
 && adduser -S -D -H -u 10001 -G lnmux -h /app -s /sbin/nologin lnmux
COPY --from=build-alpine /usr/local/bin/node /usr/local/bin/node
COPY --from=build-alpine /usr/lib/lnmux /usr/lib/lnmux
RUN ln -s /usr/lib/lnmux/bin/lnmuxd.js /usr/bin/lnmuxd \
 && ln -s /usr/lib/lnmux/bin/lnmuxcli.js /usr/bin/lnmuxcli \
 && lnmuxd --version
WORKDIR /app
USER 10001:10001
ENV LNMUX_HEALTH_URL=http://127.0.0.1:2112/healthz
EXPOSE 19090 2112
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 CMD ["node", "-e", "fetch(process.env.LNMUX_HEALTH_URL).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["lnmuxd"]

FROM node:${NODE_VERSION}-${DEBIAN_VERSION} AS build-debian
WORKDIR /usr/lib/lnmux
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional && node -e "require('secp256k1/bindings')"
COPY bin bin
COPY src src
COPY migrations migrations
COPY LICENSE lnmux.yml.example ./

FROM debian:${DEBIAN_VERSION}-slim AS debian
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libstdc++6 tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 lnmux \
 && useradd --system --uid 10001 --gid lnmux --home-dir /app --no-create-home --shell /usr/sbin/nologin lnmux
COPY --from=build-debian /usr/local/bin/node /usr/local/bin/node
COPY --from=build-debian /usr/lib/lnmux /usr/lib/lnmux
RUN ln -s /usr/lib/lnmux/bin/lnmuxd.js /usr/bin/lnmuxd \
 && ln -s /usr/lib/lnmux/bin/lnmuxcli.js /usr/bin/lnmuxcli \
 && lnmuxd --version
# As in the image of the Go program, /app is where lnmux.yml is mounted.
WORKDIR /app
USER 10001:10001
ENV LNMUX_HEALTH_URL=http://127.0.0.1:2112/healthz
EXPOSE 19090 2112
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 CMD ["node", "-e", "fetch(process.env.LNMUX_HEALTH_URL).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["lnmuxd"]
