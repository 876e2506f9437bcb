-- What the values of a session's events add up to, against Silver, both at pinned snapshots.
-- Grain: one row an event date and column with sessions that hold another sum; samples are ids of sessions.
-- Names: silver, sessions, session_key, columns (of the sessions), silver_columns (in the same order). Values:
-- silver_snapshot, sessions_snapshot, dates, dates_after (also the one after each), names (of the columns),
-- largest_amount (values of this and more count nothing).
WITH events AS (
    SELECT ${session_key} AS session_id, event_time,
           element_at(ARRAY[${names}], place) AS name,
           element_at(ARRAY[${silver_columns}], place) AS amount
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot} AS silver
    CROSS JOIN UNNEST(sequence(1, cardinality(ARRAY[${names}]))) AS cell (place)
    WHERE event_date IN (${dates_after})
),
held AS (
    SELECT event_date, session_id, started_at, ended_at,
           element_at(ARRAY[${names}], place) AS name,
           element_at(ARRAY[${columns}], place) AS held
    FROM ${sessions} FOR VERSION AS OF ${sessions_snapshot} AS sessions
    CROSS JOIN UNNEST(sequence(1, cardinality(ARRAY[${names}]))) AS cell (place)
    WHERE event_date IN (${dates})
),
compared AS (
    SELECT held.event_date, held.session_id, held.name,
           max(held.held) AS held,
           coalesce(sum(CASE WHEN events.amount > -${largest_amount} AND events.amount < ${largest_amount}
                             THEN events.amount END), 0) AS added_up
    FROM held
    LEFT JOIN events
      ON events.session_id = held.session_id
     AND events.name = held.name
     AND events.event_time BETWEEN held.started_at AND held.ended_at
    GROUP BY held.event_date, held.session_id, held.started_at, held.name
)
SELECT event_date, name,
       count(*) AS differing,
       array_join(slice(array_agg(session_id), 1, 10), chr(31)) AS samples
FROM compared
WHERE held IS DISTINCT FROM added_up
GROUP BY event_date, name
