-- What became known of the time of symbols: stretches that a line did not cover, and that history settled after all.
CREATE TABLE coverage (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  partition int NOT NULL,
  symbol text COLLATE "C" NOT NULL,
  from_ms bigint NOT NULL,
  to_ms bigint NOT NULL,
  is_blind boolean NOT NULL
);

CREATE INDEX coverage_of_symbol ON coverage (symbol, to_ms);
