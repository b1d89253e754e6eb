# Builds and tests in one stage, ships in another: the binary, its adapters and the libraries they use.
#   docker build -t front-bridge .
#   docker run --read-only -v front-bridge:/var/lib/front-bridge -v ./front-bridge.yaml:/etc/front-bridge.yaml:ro front-bridge

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY dev .
RUN ./dev install build unit
COPY . .
RUN cmake --preset debug && cmake --build --preset debug && ctest --test-dir build-debug --output-on-failure -j 2
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr && cmake --build --preset release \
    && DESTDIR=/out cmake --install build --strip

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libcmark0.30.2 libcurl4 \
        libevent-core-2.1-7 libevent-extra-2.1-7 libevent-openssl-2.1-7 libevent-pthreads-2.1-7 libsqlite3-0 libssl3 \
        libyaml-0-2 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/front-bridge front-bridge \
    && install -d -o front-bridge -g front-bridge -m 0700 /var/lib/front-bridge
COPY --from=build /out/usr /usr
# The one place that is written to; `demo` makes its temporary folder there too.
VOLUME /var/lib/front-bridge
ENV TMPDIR=/var/lib/front-bridge
USER front-bridge
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["front-bridge", "health"]
ENTRYPOINT ["front-bridge"]
CMD ["run"]
