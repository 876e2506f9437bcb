-- One column of a dimension that keeps a last value, all at pinned snapshots: of the values that are not null, each date
-- has its last one of each member, and the member's row that of its last date. Of values at the same time the greatest.
-- Grain: one row an event date with members of which that is not true; samples are keys of members.
-- Names: silver, days, dimension, key, column, silver_column. Values: silver_snapshot, days_snapshot,
-- dimension_snapshot, dates.
WITH events AS (
    SELECT event_date, ${key} AS member, ${silver_column} AS value, event_time,
           max(CASE WHEN ${silver_column} IS NOT NULL THEN event_time END)
               OVER (PARTITION BY event_date, ${key}) AS last_time
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date IN (${dates})
),
expected_days AS (
    SELECT event_date, member, max(CASE WHEN event_time = last_time THEN value END) AS value
    FROM events
    GROUP BY event_date, member
),
days AS (
    SELECT event_date, ${key} AS member, ${column} AS value,
           max(CASE WHEN ${column} IS NOT NULL THEN event_date END) OVER (PARTITION BY ${key}) AS last_date
    FROM ${days} FOR VERSION AS OF ${days_snapshot}
),
expected_members AS (
    SELECT member, max(CASE WHEN event_date = last_date THEN value END) AS value
    FROM days
    GROUP BY member
),
compared AS (
    SELECT expected_days.event_date, expected_days.member
    FROM expected_days
    LEFT JOIN days ON days.event_date = expected_days.event_date AND days.member = expected_days.member
    LEFT JOIN expected_members ON expected_members.member = expected_days.member
    LEFT JOIN ${dimension} FOR VERSION AS OF ${dimension_snapshot} AS held ON held.${key} = expected_days.member
    WHERE days.value IS DISTINCT FROM expected_days.value
       OR held.${column} IS DISTINCT FROM expected_members.value
)
SELECT event_date,
       count(DISTINCT member) AS differing,
       array_join(slice(array_distinct(array_agg(member)), 1, 10), chr(31)) AS samples
FROM compared
GROUP BY event_date
