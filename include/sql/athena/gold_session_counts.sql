-- How many events of some types a session has, against Silver, both at pinned snapshots.
-- Grain: one row an event date and column with sessions that hold another number; samples are ids of sessions.
-- Names: silver, sessions, session_key, event_type, columns (of the sessions). Values: silver_snapshot,
-- sessions_snapshot, dates, dates_after (also the one after each), names (of the columns), counted_names,
-- counted_types (which name counts which type of event, pair by pair).
WITH counted AS (
    SELECT element_at(ARRAY[${counted_names}], place) AS name, element_at(ARRAY[${counted_types}], place) AS event_type
    FROM UNNEST(sequence(1, cardinality(ARRAY[${counted_names}]))) AS pair (place)
),
events AS (
    SELECT silver.${session_key} AS session_id, silver.event_time, counted.name
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot} AS silver
    JOIN counted ON counted.event_type = silver.${event_type}
    WHERE silver.event_date IN (${dates_after})
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
           count(events.event_time) AS counted
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
WHERE held IS DISTINCT FROM counted
GROUP BY event_date, name
