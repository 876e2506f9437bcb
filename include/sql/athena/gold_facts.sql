-- Facts against Silver, both at pinned snapshots: each event must have one row, with its values in each column.
-- Grain: one row an event date that has events on either side; samples are ids of events.
-- Names: silver, facts, key, silver_columns, facts_columns (in the same order). Values: silver_snapshot,
-- facts_snapshot, dates.
WITH sides AS (
    SELECT event_date, event_id, ${silver_columns},
           1 AS in_silver,
           0 AS in_gold
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date IN (${dates})
    UNION ALL
    SELECT event_date, ${key}, ${facts_columns}, 0, 1
    FROM ${facts} FOR VERSION AS OF ${facts_snapshot}
    WHERE event_date IN (${dates})
),
compared AS (
    SELECT event_date, event_id,
           sum(in_silver) AS in_silver,
           sum(in_gold) AS in_gold
    FROM sides
    GROUP BY event_date, event_id, ${silver_columns}
)
SELECT event_date,
       sum(in_silver) AS silver_events,
       sum(in_gold) AS gold_events,
       count_if(in_silver <> in_gold) AS differing,
       array_join(slice(array_agg(event_id) FILTER (WHERE in_silver <> in_gold), 1, 10), chr(31)) AS samples
FROM compared
GROUP BY event_date
