SELECT create_hypertable('candles', by_range('bucket', INTERVAL '7 days'),
  create_default_indexes => false, migrate_data => true, if_not_exists => true);
