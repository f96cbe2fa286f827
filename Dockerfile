# SPDX-License-Identifier: Apache-2.0
# The exporter on Debian 13, for --network host, with no capability and a read-only root:
#   docker build --build-arg VERSION=... --build-arg REVISION=... -t sockdiag_exporter .
#   docker run --network host --read-only --cap-drop ALL -v /sys/fs/cgroup:/host/cgroup:ro \
#     sockdiag_exporter --path.cgroup=/host/cgroup
# It also has sockdiag_opener, for a container of its own (deploy/README.md, "Sockets of containers").

FROM debian:trixie-slim AS build
WORKDIR /build
COPY deploy/install-packages deploy/packages deploy/
RUN deploy/install-packages deploy/packages
COPY . .
ARG REVISION=unknown
RUN cmake --preset release -DSOCKDIAG_BUILD_TESTS=OFF -DSOCKDIAG_REVISION="$REVISION" \
    && cmake --build build/release --target sockdiag_exporter sockdiag_opener \
    && strip build/release/sockdiag_exporter build/release/sockdiag_opener
# The packages of the libraries that it loads, which are more than the opener's.
RUN ldd build/release/sockdiag_exporter | grep -o '/[^ ]*' | xargs realpath | xargs dpkg -S \
    | cut -d : -f 1 | sort -u >runtime-packages

FROM debian:trixie-slim
COPY --from=build /build/runtime-packages /usr/share/doc/sockdiag_exporter/
RUN apt-get update -q \
    && xargs apt-get install -qy --no-install-recommends \
        </usr/share/doc/sockdiag_exporter/runtime-packages \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/* /var/log/*
COPY LICENSE /usr/share/doc/sockdiag_exporter/
COPY config/sockdiag_exporter.yml /etc/sockdiag_exporter/
COPY --from=build /build/build/release/sockdiag_exporter /build/build/release/sockdiag_opener /usr/bin/
# With a library missing the build ends here.
RUN ["/usr/bin/sockdiag_exporter", "--version"]
RUN ["/usr/bin/sockdiag_opener", "--version"]

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sockdiag_exporter" \
      org.opencontainers.image.description="Prometheus exporter of TCP sockets by state, service port and direction" \
      org.opencontainers.image.source="https://github.com/sockdiag/sockdiag_exporter" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

# nobody: by number, so that Kubernetes can see that it is not root.
USER 65534:65534
EXPOSE 10293
# Not by the configuration file, which may have been edited since the start: who listens elsewhere
# sets a health check of his own (--health-cmd).
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["/usr/bin/sockdiag_exporter", "--web.listen-address=127.0.0.1:10293", "--health"]
ENTRYPOINT ["/usr/bin/sockdiag_exporter"]
CMD ["--config.file=/etc/sockdiag_exporter/sockdiag_exporter.yml"]
