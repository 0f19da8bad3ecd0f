-- Security alerts and the incidents that join them. What is searched by has a
-- column; body is the whole as JSON.
CREATE TABLE alerts (
    tenant       BIGINT NOT NULL,
    id           TEXT   NOT NULL,
    subscription TEXT   NOT NULL,
    resource_key TEXT   NOT NULL,
    rule         TEXT   NOT NULL,
    group_key    TEXT   NOT NULL,
    incident     TEXT   NOT NULL,
    is_incident  BIGINT NOT NULL,
    severity     BIGINT NOT NULL,
    status       BIGINT NOT NULL,
    first_at     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    body         BYTES  NOT NULL,
    PRIMARY KEY (tenant, id)
) COMPACT;
CREATE INDEX alerts_by_time ON alerts (tenant, last_at, id);
CREATE INDEX alerts_by_group ON alerts (tenant, group_key, last_at);
CREATE INDEX alerts_by_incident ON alerts (tenant, incident);
CREATE INDEX alerts_by_age ON alerts (last_at)
