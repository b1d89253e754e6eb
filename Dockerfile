# Builds and tests in one stage, ships in another: the program, its adapters, and the libraries that they need.
#   docker build -t front-bridge .
#   docker run --read-only -v front-bridge:/var/lib/front-bridge -v ./front-bridge.yaml:/etc/front-bridge.yaml:ro front-bridge

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY dev .
RUN ./dev install build unit && rm -rf /var/lib/apt/lists/*
COPY . .
# Optimised, as it ships: the unit tests run on the very objects that are installed.
RUN cmake --preset release -DFB_TESTS=ON && cmake --build --preset release
RUN ctest --test-dir build --output-on-failure -j 2
RUN DESTDIR=/out cmake --install build --prefix /usr --strip

FROM debian:bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates libcmark0.30.2 libcurl4 libevent-core-2.1-7 libsqlite3-0 libssl3 libunistring2 libyaml-0-2 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/aux-cache /var/log/*.log /var/log/apt \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin --home-dir /var/lib/front-bridge front-bridge \
    && install -d -o front-bridge -g front-bridge -m 0700 /var/lib/front-bridge
COPY --from=build /out/usr /usr
# The one place that is written to; `demo` makes its temporary folder there too.
VOLUME /var/lib/front-bridge
ENV TMPDIR=/var/lib/front-bridge
USER front-bridge
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=5s CMD ["front-bridge", "health"]
ENTRYPOINT ["front-bridge"]
CMD ["run"]
