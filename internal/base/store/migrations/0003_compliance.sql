-- What standards said over time. hour is at, cut to the hour: a scope has at
-- most one row an hour. states has a letter per control of the outline.
CREATE TABLE compliance (
    tenant      BIGINT NOT NULL,
    standard    TEXT   NOT NULL,
    scope_key   TEXT   NOT NULL,
    hour        BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    passed      BIGINT NOT NULL,
    failed      BIGINT NOT NULL,
    skipped     BIGINT NOT NULL,
    unsupported BIGINT NOT NULL,
    outline     TEXT   NOT NULL,
    states      TEXT   NOT NULL,
    PRIMARY KEY (tenant, standard, scope_key, hour)
) COMPACT;
CREATE INDEX compliance_by_hour ON compliance (hour);

-- The numbers of a standard's controls, by their digest: rows would repeat them.
CREATE TABLE compliance_outlines (
    tenant   BIGINT NOT NULL,
    standard TEXT   NOT NULL,
    outline  TEXT   NOT NULL,
    numbers  BYTES  NOT NULL,
    PRIMARY KEY (tenant, standard, outline)
) COMPACT;
