-- Images of connected registries and where each stands in the life cycle of
-- scans: one row for each digest, whatever its names are. inventory is what was
-- found in it, as JSON, kept so that advisories are matched again without it.
CREATE TABLE images (
    tenant     BIGINT NOT NULL,
    connector  TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    names      BYTES  NOT NULL,
    platform   TEXT   NOT NULL,
    status     BIGINT NOT NULL,
    reason     TEXT   NOT NULL,
    attempts   BIGINT NOT NULL,
    queued_at  BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    scanned_at BIGINT NOT NULL,
    inventory  BYTES  NOT NULL,
    PRIMARY KEY (tenant, connector, digest)
) COMPACT;
CREATE INDEX images_by_turn ON images (status, next_at)
