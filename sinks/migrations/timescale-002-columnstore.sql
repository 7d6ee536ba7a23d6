-- An upsert into a compressed chunk is dear: chunks are compressed long after the last correction is due.
ALTER TABLE candles SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol, "interval"',
  timescaledb.compress_orderby = 'bucket');
SELECT add_compression_policy('candles', INTERVAL '14 days', if_not_exists => true);
