-- Facts against Silver, both at pinned snapshots: each event that is a fact must have one row, with its values in each
-- column. The one that is corrected is looked at by gold_corrections.sql.
-- Grain: one row an event date that has facts on either side; samples are ids of events.
-- Names: silver, facts, key, event_type, silver_columns, facts_columns (in the same order, event_date first). Values:
-- silver_snapshot, facts_snapshot, dates, every_event (1: all are facts, 0: those of fact_types), fact_types.
WITH sides AS (
    SELECT ${facts_columns}, ${key} AS event_id,
           0 AS in_silver,
           1 AS in_gold
    FROM ${facts} FOR VERSION AS OF ${facts_snapshot}
    WHERE event_date IN (${dates})
    UNION ALL
    SELECT ${silver_columns}, event_id, 1, 0
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date IN (${dates}) AND (${every_event} = 1 OR ${event_type} IN (${fact_types}))
),
compared AS (
    SELECT event_date, event_id,
           sum(in_silver) AS in_silver,
           sum(in_gold) AS in_gold
    FROM sides
    GROUP BY ${facts_columns}, event_id
)
SELECT event_date,
       sum(in_silver) AS silver_events,
       sum(in_gold) AS gold_events,
       count_if(in_silver <> in_gold) AS differing,
       array_join(slice(array_agg(event_id) FILTER (WHERE in_silver <> in_gold), 1, 10), chr(31)) AS samples
FROM compared
GROUP BY event_date
