-- What became of resources in the judge's transactions first_seq..last_seq.
-- sealed rows are full; the others are joined until they are.
CREATE TABLE moves (
    tenant    BIGINT NOT NULL,
    last_seq  BIGINT NOT NULL,
    part      BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    first_at  BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    entries   BIGINT NOT NULL,
    sealed    BIGINT NOT NULL,
    packed    BYTES  NOT NULL,
    PRIMARY KEY (tenant, last_seq, part)
) COMPACT;

-- The whole estate after a transaction, in blocks of 65,536 handles. The row in
-- frames is written last and makes the blocks count.
CREATE TABLE frames (
    tenant BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    size   BIGINT NOT NULL,
    PRIMARY KEY (tenant, seq)
) COMPACT;
CREATE TABLE frame_blocks (
    tenant BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    block  BIGINT NOT NULL,
    stances BYTES NOT NULL,
    tags    BYTES NOT NULL,
    PRIMARY KEY (tenant, seq, block)
);
