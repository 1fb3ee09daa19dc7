# PostgreSQL 15 with Observa in it.
#   docker build -t observa .
#   docker run --rm -e POSTGRES_PASSWORD=choose-one -p 5432:5432 observa

FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-server-dev-15 clang libclang-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
RUN cargo install --locked cargo-pgrx@0.18.1
WORKDIR /observa
COPY . .
# build.rs tells the linker what cargo-pgrx would tell it for every crate.
ENV CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND=1
RUN cargo pgrx init --pg15 /usr/lib/postgresql/15/bin/pg_config \
    && cargo pgrx package --pg-config /usr/lib/postgresql/15/bin/pg_config \
        --no-default-features --features pg15 --out-dir /package

FROM postgres:15-bookworm
# The library, the control file and the SQL: nothing else of the build.
COPY --from=build /package/ /
# The file that every new database cluster of this image starts from.
RUN echo "shared_preload_libraries = 'observa'" >> /usr/share/postgresql/postgresql.conf.sample \
    && echo "CREATE EXTENSION observa;" > /docker-entrypoint-initdb.d/observa.sql
USER postgres
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD pg_isready --quiet --username "${POSTGRES_USER:-postgres}"
