-- Where the records of a span of arrival hours are, by fate: Silver and rejects at two pinned snapshots.
-- Grain: arrival hour, fate, reason, event date (of good records and duplicates).
-- Names: silver, rejects. Values: silver_snapshot, rejects_snapshot, first_hour, last_hour.
WITH placed AS (
    SELECT arrival_hour, 'good' AS fate, CAST(NULL AS varchar) AS reason, event_date, raw_hash
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE arrival_hour BETWEEN ${first_hour} AND ${last_hour}
    UNION ALL
    SELECT arrival_hour, fate, reason, event_date, raw_hash
    FROM ${rejects} FOR VERSION AS OF ${rejects_snapshot}
    WHERE arrival_hour BETWEEN ${first_hour} AND ${last_hour}
)
SELECT arrival_hour, fate, reason, event_date,
       count(*) AS records,
       sum(from_base(substr(raw_hash, 1, 8), 16)) AS sum_1,
       sum(from_base(substr(raw_hash, 9, 8), 16)) AS sum_2
FROM placed
GROUP BY arrival_hour, fate, reason, event_date
