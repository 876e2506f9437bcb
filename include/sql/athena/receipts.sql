-- What the producer was promised against what the lake holds: each acknowledged record must be there, as often as
-- it was acknowledged. A record is keyed no later than it was acknowledged, and at most one buffer earlier: the hour
-- before is looked into as well, in Bronze itself where no run has processed it yet.
-- Grain: one row an hour of acknowledgement with missing records, and up to ten of their raw hashes.
-- Names: bronze_records (bronze_lines.sql, of hours that no run has processed), receipts, silver, rejects.
-- Values: hours, processed_hours, silver_snapshot, rejects_snapshot.
WITH acknowledged AS (
    SELECT raw_hash,
           min(concat(year, '-', month, '-', day, 'T', hour, ':00:00Z')) AS arrival_hour,
           count(*) AS copies
    FROM ${receipts}
    WHERE concat(year, '-', month, '-', day, 'T', hour, ':00:00Z') IN (${hours}) AND raw_hash <> ''
    GROUP BY raw_hash
),
records AS (
${bronze_records}
),
placed AS (
    SELECT raw_hash FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE arrival_hour IN (${processed_hours})
    UNION ALL
    SELECT raw_hash FROM ${rejects} FOR VERSION AS OF ${rejects_snapshot}
    WHERE arrival_hour IN (${processed_hours})
    UNION ALL
    SELECT raw_hash FROM records
),
held AS (
    SELECT raw_hash, count(*) AS copies
    FROM placed
    GROUP BY raw_hash
)
SELECT acknowledged.arrival_hour,
       sum(acknowledged.copies - coalesce(held.copies, 0)) AS records,
       array_join(slice(array_agg(acknowledged.raw_hash), 1, 10), chr(31)) AS raw_hashes
FROM acknowledged
LEFT JOIN held ON held.raw_hash = acknowledged.raw_hash
WHERE coalesce(held.copies, 0) < acknowledged.copies
GROUP BY acknowledged.arrival_hour
