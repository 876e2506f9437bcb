-- Write good rows into rejects as duplicates of a winner that does not exist. Names: silver, rejects. Values: hour, ids.
INSERT INTO ${rejects}
SELECT arrival_hour, object_id, raw_hash,
       'duplicate' AS fate, 'exact' AS reason, CAST(NULL AS varbinary) AS payload,
       event_id, event_date,
       arrival_hour AS winner_hour, object_id AS winner_object, lower(to_hex(md5(to_utf8(raw_hash)))) AS winner_hash,
       contract
FROM ${silver}
WHERE arrival_hour = ${hour} AND event_id IN (${ids})
