-- Final candles only. Sums are double-double: the value is x + x_low.
-- closed_by and fill are indexes in closedByNames and fillNames of schemas/candle.ts.
CREATE TABLE candles (
  symbol text COLLATE "C" NOT NULL,
  "interval" int NOT NULL,
  bucket timestamptz NOT NULL,
  open float8 NOT NULL,
  high float8 NOT NULL,
  low float8 NOT NULL,
  close float8 NOT NULL,
  volume float8 NOT NULL,
  volume_low float8 NOT NULL,
  quote_volume float8 NOT NULL,
  quote_volume_low float8 NOT NULL,
  buy_volume float8 NOT NULL,
  buy_volume_low float8 NOT NULL,
  trades bigint NOT NULL,
  first_trade_id bigint NOT NULL,
  last_trade_id bigint NOT NULL,
  revision bigint NOT NULL,
  seq bigint NOT NULL,
  closed_by smallint NOT NULL,
  fill smallint NOT NULL,
  partial boolean NOT NULL,
  partition int NOT NULL,
  PRIMARY KEY (symbol, "interval", bucket)
);

CREATE TABLE partitions (
  topology text COLLATE "C" NOT NULL,
  partition int NOT NULL,
  epoch bigint NOT NULL,
  next_offset bigint NOT NULL,
  commit_no bigint NOT NULL,
  last_seq bigint NOT NULL,
  committed_at timestamptz,
  PRIMARY KEY (topology, partition)
) WITH (fillfactor = 50);

CREATE TABLE topic_identity (
  topology text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  topic_id text,
  partitions int NOT NULL,
  PRIMARY KEY (topology, topic)
);

CREATE TABLE partition_state (
  topology text COLLATE "C" NOT NULL,
  partition int NOT NULL,
  commit_no bigint NOT NULL,
  is_full boolean NOT NULL,
  payload bytea NOT NULL,
  PRIMARY KEY (topology, partition, commit_no)
);
-- The payload is compressed already.
ALTER TABLE partition_state ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE TABLE outbox (
  topology text COLLATE "C" NOT NULL,
  partition int NOT NULL,
  commit_no bigint NOT NULL,
  payload bytea NOT NULL,
  PRIMARY KEY (topology, partition, commit_no)
);

CREATE TABLE dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text COLLATE "C" NOT NULL,
  partition int NOT NULL,
  record_offset bigint NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL,
  symbol text COLLATE "C" NOT NULL,
  schema_id bigint,
  source text COLLATE "C" NOT NULL,
  payload bytea NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now()
);
-- A record is here once; what a feed refused is here once by its own place, however often it is replayed.
CREATE UNIQUE INDEX dead_letters_by_record ON dead_letters (topic, partition, record_offset) WHERE source = '';
CREATE UNIQUE INDEX dead_letters_by_source ON dead_letters (topic, source, md5(payload)) WHERE source <> '';

CREATE TABLE late_ranges (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topology text COLLATE "C" NOT NULL,
  partition int NOT NULL,
  from_offset bigint NOT NULL,
  to_offset bigint NOT NULL,
  symbol text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  count bigint NOT NULL
);

CREATE TABLE store_meta (
  key text PRIMARY KEY,
  value text NOT NULL
);

-- Moves every partition of the session's staged commit on, or fails as a whole naming those that are fenced.
CREATE PROCEDURE commit_offset() LANGUAGE plpgsql AS $$
DECLARE
  p record;
  moved int;
  fenced int[] := '{}';
BEGIN
  FOR p IN
    SELECT s.t1 AS topology, s.partition AS number, s.n1 AS epoch, s.n2 AS previous_offset, s.n3 AS next_offset,
      s.n4 AS commit_no, s.n5 AS last_seq
    FROM redwick_stage s WHERE s.kind = 0 ORDER BY s.t1, s.partition
  LOOP
    UPDATE partitions t
    SET next_offset = p.next_offset, commit_no = p.commit_no, last_seq = p.last_seq, committed_at = now()
    WHERE t.topology = p.topology AND t.partition = p.number
      AND t.epoch = p.epoch AND t.next_offset = p.previous_offset;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> 1 THEN
      fenced := fenced || p.number;
    END IF;
  END LOOP;
  IF cardinality(fenced) > 0 THEN
    RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'redwick fenced partitions: ' || array_to_string(fenced, ', ');
  END IF;
END $$;
