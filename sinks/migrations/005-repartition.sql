-- Makes what is committed of a topology that of a topic with more partitions: docs/decisions/0021.
-- A state or an outbox row that was written before has the byte 4 and the number of partitions of then before it.
CREATE PROCEDURE repartition(of_topology text, of_topic text, partitions_before int, partitions_after int, ends bigint[])
LANGUAGE plpgsql AS $$
DECLARE
  moved bytea := '\x04'::bytea || int4send(partitions_before);
  found_before int;
BEGIN
  PERFORM 1 FROM partitions WHERE topology = of_topology ORDER BY partition FOR UPDATE;
  SELECT t.partitions INTO found_before FROM topic_identity t WHERE t.topology = of_topology AND t.topic = of_topic;
  IF found_before IS DISTINCT FROM partitions_before THEN
    RAISE EXCEPTION USING ERRCODE = 'RW001',
      MESSAGE = format('the store knows %s with %s partitions', of_topic, coalesce(found_before::text, 'no'));
  END IF;
  IF EXISTS (SELECT 1 FROM topic_identity t WHERE t.topic = of_topic AND t.topology <> of_topology) THEN
    RAISE EXCEPTION USING ERRCODE = 'RW001', MESSAGE = format('another topology reads %s, too', of_topic);
  END IF;
  IF EXISTS (SELECT 1 FROM quarantine q WHERE q.topology = of_topology) THEN
    RAISE EXCEPTION USING ERRCODE = 'RW001', MESSAGE = 'keys are held: release them first (npm run quarantine -- list)';
  END IF;
  IF ends IS DISTINCT FROM (
    SELECT array_agg(coalesce(p.next_offset, 0) ORDER BY number)
    FROM generate_series(0, partitions_before - 1) AS number
    LEFT JOIN partitions p ON p.topology = of_topology AND p.partition = number
  ) THEN
    RAISE EXCEPTION USING ERRCODE = 'RW001', MESSAGE = 'an engine or a feed is at work: stop them first';
  END IF;

  UPDATE topic_identity SET partitions = partitions_after WHERE topology = of_topology AND topic = of_topic;
  UPDATE partitions SET epoch = epoch + 1 WHERE topology = of_topology;
  INSERT INTO partitions (topology, partition, epoch, next_offset, commit_no, last_seq)
    SELECT topology, number, epoch, 0, commit_no, last_seq
    FROM partitions, generate_series(partitions_before, partitions_after - 1) AS number
    WHERE topology = of_topology AND partition = number % partitions_before;
  UPDATE partition_state SET payload = moved || payload WHERE topology = of_topology;
  INSERT INTO partition_state (topology, partition, commit_no, is_full, payload)
    SELECT topology, number, commit_no, is_full, payload
    FROM partition_state, generate_series(partitions_before, partitions_after - 1) AS number
    WHERE topology = of_topology AND partition = number % partitions_before;
  UPDATE outbox SET payload = moved || payload WHERE topology = of_topology;
  INSERT INTO outbox (topology, partition, commit_no, payload)
    SELECT topology, number, commit_no, payload
    FROM outbox, generate_series(partitions_before, partitions_after - 1) AS number
    WHERE topology = of_topology AND partition = number % partitions_before;
END $$;
