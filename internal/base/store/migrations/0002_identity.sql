-- Who may sign in, what they were handed, and what they may do where. Secrets
-- are hashes. name_key and scope_key are folded.
CREATE TABLE principals (
    id         TEXT   NOT NULL PRIMARY KEY,
    tenant     TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    name_key   TEXT   NOT NULL,
    secret     BYTES  NOT NULL,
    disabled   INTEGER NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX principals_by_name ON principals (kind, name_key);
CREATE INDEX principals_by_tenant ON principals (tenant, id);

-- Tokens, sessions, sign-in links and codes, found by the hash of what was
-- handed out.
CREATE TABLE credentials (
    kind       TEXT   NOT NULL,
    hash       BYTES  NOT NULL,
    principal  TEXT   NOT NULL,
    data       BYTES  NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, hash)
);
CREATE INDEX credentials_by_expiry ON credentials (expires_at);
CREATE INDEX credentials_by_principal ON credentials (principal);

CREATE TABLE role_assignments (
    id         TEXT   NOT NULL PRIMARY KEY,
    tenant     TEXT   NOT NULL,
    principal  TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    scope      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL
);
CREATE INDEX role_assignments_by_principal ON role_assignments (tenant, principal);
