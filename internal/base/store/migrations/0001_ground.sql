-- Portable DDL. BYTES, HANDLE_KEY and COMPACT are replaced by the engine.
-- Times are microseconds since 1970 UTC. "key" columns hold folded text.
CREATE TABLE tenants (
    no      BIGINT NOT NULL PRIMARY KEY,
    id      TEXT   NOT NULL UNIQUE,
    name    TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

-- What hands out numbers on an engine without sequences.
CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('handle', 0);
INSERT INTO counters (name, value) VALUES ('tenant', 0);

-- id_key is a hash of group, parent and id, in this order: one index finds a document by its
-- id and a parent's children by prefix. body is JSON, plain or zstd.
CREATE TABLE resources (
    handle         HANDLE_KEY,
    tenant         BIGINT NOT NULL,
    id_key         BYTES  NOT NULL,
    id             TEXT   NOT NULL,
    type           TEXT   NOT NULL,
    api_version    TEXT   NOT NULL,
    source         TEXT   NOT NULL,
    source_version BIGINT NOT NULL,
    observed_at    BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    deleted_at     BIGINT NOT NULL,
    digest         BYTES  NOT NULL,
    unavailable    TEXT   NOT NULL,
    body           BYTES  NOT NULL
);
-- The tenant comes second: without statistics PostgreSQL takes a tenant for a
-- narrow choice and would go through all of it.
CREATE UNIQUE INDEX resources_by_key ON resources (id_key, tenant);
CREATE INDEX resources_deleted ON resources (deleted_at) WHERE deleted_at > 0;

-- What changes while the document stays as it is: it was seen again, or
-- judged again. Apart from the document so that neither rewrites its body.
CREATE TABLE marks (
    handle         HANDLE_KEY,
    source_version BIGINT,
    observed_at    BIGINT,
    states_seq     BIGINT,
    states         BYTES
);

-- One row holds the changes first_seq..last_seq of one transaction.
CREATE TABLE changes (
    tenant    BIGINT NOT NULL,
    part      BIGINT NOT NULL,
    last_seq  BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    packed    BYTES  NOT NULL,
    PRIMARY KEY (tenant, part, last_seq)
) COMPACT;
CREATE TABLE partitions (
    tenant BIGINT NOT NULL,
    part   BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (tenant, part)
) COMPACT;
CREATE TABLE positions (
    reader TEXT   NOT NULL,
    tenant BIGINT NOT NULL,
    part   BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (reader, tenant, part)
) COMPACT;

CREATE TABLE objects (
    tenant     BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    id_key     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    etag       TEXT   NOT NULL,
    body       BYTES  NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT   NOT NULL,
    PRIMARY KEY (tenant, kind, id_key)
) COMPACT;

CREATE TABLE scores (
    tenant         BIGINT NOT NULL,
    scope_key      TEXT   NOT NULL,
    control        TEXT   NOT NULL,
    at             BIGINT NOT NULL,
    seq            BIGINT NOT NULL,
    healthy        BIGINT NOT NULL,
    unhealthy      BIGINT NOT NULL,
    unknown        BIGINT NOT NULL,
    not_applicable BIGINT NOT NULL,
    PRIMARY KEY (tenant, scope_key, control, at)
) COMPACT;

CREATE TABLE history (
    tenant         BIGINT NOT NULL,
    recommendation TEXT   NOT NULL,
    block          BIGINT NOT NULL,
    state          BIGINT NOT NULL,
    seq            BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    bits           BYTES  NOT NULL,
    PRIMARY KEY (tenant, recommendation, block, state, seq)
) COMPACT;
CREATE INDEX history_by_seq ON history (tenant, seq);

CREATE TABLE settings (
    tenant     BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    body       BYTES  NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
) COMPACT;

CREATE TABLE leases (
    name       TEXT   NOT NULL PRIMARY KEY,
    holder     TEXT   NOT NULL,
    epoch      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE audit (
    no      AUDIT_KEY,
    tenant  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL,
    action  TEXT   NOT NULL,
    target  TEXT   NOT NULL,
    outcome TEXT   NOT NULL,
    detail  BYTES  NOT NULL
);
CREATE INDEX audit_by_tenant ON audit (tenant, no);
