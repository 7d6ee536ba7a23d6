-- Every declaration that ran against this store. run_no orders the runs: clocks of several machines do not.
CREATE TABLE topologies (
  name text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL,
  declaration text NOT NULL,
  run_no bigint NOT NULL,
  first_run_at timestamptz NOT NULL DEFAULT now(),
  last_run_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (name, hash)
);
