-- The witnesses inside the lake: a duplicate's winner must be a Silver row with its event id, and an event id must
-- be unique on its event date. A job that called good records duplicates would balance every sum; it fails here.
-- Grain: one row an arrival hour and kind of offence, with up to ten event ids. No row: nothing offends.
-- Names: silver, rejects. Values: hours, silver_snapshot, rejects_snapshot.
WITH duplicates AS (
    SELECT arrival_hour, event_date, event_id, winner_hour, winner_object, winner_hash
    FROM ${rejects} FOR VERSION AS OF ${rejects_snapshot}
    WHERE fate = 'duplicate' AND arrival_hour IN (${hours})
),
dates AS (
    SELECT DISTINCT event_date
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE arrival_hour IN (${hours})
    UNION
    SELECT DISTINCT event_date FROM duplicates
),
silver AS (
    SELECT arrival_hour, event_date, event_id, object_id, raw_hash
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date IN (SELECT event_date FROM dates)
),
copies AS (
    SELECT event_id,
           count(*) AS rows_of_id,
           max(CASE WHEN arrival_hour IN (${hours}) THEN arrival_hour END) AS checked_hour
    FROM silver
    GROUP BY event_date, event_id
),
offences AS (
    SELECT duplicates.arrival_hour, 'winner_missing' AS offence, duplicates.event_id
    FROM duplicates
    LEFT JOIN silver
      ON silver.event_date = duplicates.event_date
     AND silver.event_id = duplicates.event_id
     AND silver.arrival_hour = duplicates.winner_hour
     AND silver.object_id = duplicates.winner_object
     AND silver.raw_hash = duplicates.winner_hash
    WHERE silver.event_id IS NULL
    UNION ALL
    SELECT checked_hour AS arrival_hour, 'event_id_not_unique' AS offence, event_id
    FROM copies
    WHERE rows_of_id > 1 AND checked_hour IS NOT NULL
)
SELECT arrival_hour, offence,
       count(*) AS records,
       array_join(slice(array_agg(event_id), 1, 10), chr(31)) AS event_ids
FROM offences
GROUP BY arrival_hour, offence
