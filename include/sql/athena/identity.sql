-- Bronze against Silver and rejects, record by record: each (object, raw hash) must occur as often on both sides,
-- an event id must be the one that SQL reads in Bronze, and a refused consent must be the reason where SQL sees one.
-- Grain: one row an object, with up to ten offending hashes or ids of each kind.
-- Names: bronze_records (bronze_lines.sql or bronze_rows.sql), silver, rejects. Values: hours, silver_snapshot,
-- rejects_snapshot, asks_consent (0 where the source has no field for it, 1 where false refuses, 2 where only true consents).
WITH records AS (
${bronze_records}
),
bronze AS (
    SELECT arrival_hour,
           regexp_replace(path, '^s3://[^/]+/', '') AS object_id,
           raw_hash,
           arbitrary(event_id) AS event_id,
           arbitrary(consent) AS consent,
           count(*) AS copies
    FROM records
    GROUP BY arrival_hour, path, raw_hash
),
placed AS (
    SELECT arrival_hour, object_id, raw_hash, 'good' AS fate, CAST(NULL AS varchar) AS reason, event_id
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE arrival_hour IN (${hours})
    UNION ALL
    SELECT arrival_hour, object_id, raw_hash, fate, reason, event_id
    FROM ${rejects} FOR VERSION AS OF ${rejects_snapshot}
    WHERE arrival_hour IN (${hours})
),
lake AS (
    SELECT arrival_hour, object_id, raw_hash,
           count(*) AS copies,
           min(event_id) AS first_event_id,
           max(event_id) AS last_event_id,
           count_if(fate IN ('good', 'duplicate')) AS valid,
           max(reason) AS reason,
           count(DISTINCT CASE WHEN fate IN ('good', 'duplicate') THEN 'valid' ELSE reason END) AS verdicts
    FROM placed
    GROUP BY arrival_hour, object_id, raw_hash
),
compared AS (
    SELECT coalesce(bronze.arrival_hour, lake.arrival_hour) AS arrival_hour,
           coalesce(bronze.object_id, lake.object_id) AS object_id,
           coalesce(bronze.raw_hash, lake.raw_hash) AS raw_hash,
           coalesce(bronze.event_id, lake.first_event_id) AS event_id,
           coalesce(bronze.copies, 0) AS in_bronze,
           coalesce(lake.copies, 0) AS in_lake,
           coalesce(lake.verdicts, 1) <> 1
               OR coalesce(lake.valid > 0 AND (bronze.event_id IS DISTINCT FROM lake.first_event_id
                                               OR bronze.event_id IS DISTINCT FROM lake.last_event_id), false)
               AS other_id,
           CASE ${asks_consent} WHEN 0 THEN false
                                WHEN 1 THEN coalesce(bronze.consent = 'false', false)
                                ELSE coalesce(bronze.consent <> 'true', true) END
               <> coalesce(lake.reason = 'no_consent', false)
               AND coalesce(lake.reason, '') NOT IN ('bad_json', 'canary', 'duplicate_key', 'too_deep')
               AS other_consent
    FROM bronze
    FULL OUTER JOIN lake
      ON bronze.arrival_hour = lake.arrival_hour
     AND bronze.object_id = lake.object_id
     AND bronze.raw_hash = lake.raw_hash
)
SELECT arrival_hour, object_id,
       sum(in_bronze) AS bronze_records,
       sum(in_lake) AS lake_records,
       sum(in_bronze * from_base(substr(raw_hash, 1, 8), 16)) AS bronze_sum_1,
       sum(in_bronze * from_base(substr(raw_hash, 9, 8), 16)) AS bronze_sum_2,
       sum(in_lake * from_base(substr(raw_hash, 1, 8), 16)) AS lake_sum_1,
       sum(in_lake * from_base(substr(raw_hash, 9, 8), 16)) AS lake_sum_2,
       count_if(in_bronze <> in_lake) AS unaccounted,
       array_join(slice(array_agg(raw_hash) FILTER (WHERE in_bronze <> in_lake), 1, 10), chr(31)) AS unaccounted_hashes,
       array_join(slice(array_agg(event_id) FILTER (WHERE in_bronze <> in_lake AND event_id IS NOT NULL), 1, 10), chr(31))
           AS unaccounted_ids,
       count_if(in_bronze = in_lake AND other_id) AS other_ids,
       array_join(slice(array_agg(raw_hash) FILTER (WHERE in_bronze = in_lake AND other_id), 1, 10), chr(31))
           AS other_id_hashes,
       count_if(in_bronze = in_lake AND other_consent) AS other_consents,
       array_join(slice(array_agg(raw_hash) FILTER (WHERE in_bronze = in_lake AND other_consent), 1, 10), chr(31))
           AS other_consent_hashes
FROM compared
GROUP BY arrival_hour, object_id
