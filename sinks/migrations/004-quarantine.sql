-- Keys whose records are held because they made a step throw, with the state that judges them.
CREATE TABLE quarantine (
  topology text COLLATE "C" NOT NULL,
  partition int NOT NULL,
  symbol text COLLATE "C" NOT NULL,
  held_from bigint NOT NULL,
  failed_at bigint NOT NULL,
  history_from bigint NOT NULL,
  error text NOT NULL,
  state bytea NOT NULL,
  PRIMARY KEY (topology, partition, symbol)
);
-- The state is compressed already.
ALTER TABLE quarantine ALTER COLUMN state SET STORAGE EXTERNAL;
