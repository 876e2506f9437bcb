-- The first and last values that a session keeps, against Silver, both at pinned snapshots: of its events' values that
-- are not null the first and least, or the last and greatest.
-- Grain: one row an event date and column with sessions that keep another value; samples are ids of sessions.
-- Names: silver, sessions, session_key, texts (columns of the sessions, as text; first values before last ones),
-- silver_texts (in the same order). Values: silver_snapshot, sessions_snapshot, dates, dates_after (also the one after
-- each), names (of the columns), first_values (how many of them are).
WITH events AS (
    SELECT ${session_key} AS session_id, event_time, ARRAY[${silver_texts}] AS texts
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot} AS silver
    WHERE event_date IN (${dates_after})
),
held AS (
    SELECT event_date, session_id, started_at, ended_at, place, element_at(ARRAY[${texts}], place) AS held
    FROM ${sessions} FOR VERSION AS OF ${sessions_snapshot} AS sessions
    CROSS JOIN UNNEST(sequence(1, cardinality(ARRAY[${names}]))) AS cell (place)
    WHERE event_date IN (${dates})
),
cells AS (
    SELECT held.event_date, held.session_id, held.started_at, held.place, held.held, events.event_time,
           element_at(events.texts, held.place) AS value
    FROM held
    LEFT JOIN events
      ON events.session_id = held.session_id
     AND events.event_time BETWEEN held.started_at AND held.ended_at
),
timed AS (
    SELECT event_date, session_id, started_at, place, held, event_time, value,
           min(CASE WHEN value IS NOT NULL THEN event_time END)
               OVER (PARTITION BY session_id, started_at, place) AS first_time,
           max(CASE WHEN value IS NOT NULL THEN event_time END)
               OVER (PARTITION BY session_id, started_at, place) AS last_time
    FROM cells
),
compared AS (
    SELECT event_date, session_id, place,
           max(held) AS held,
           CASE WHEN place <= ${first_values}
                THEN min(CASE WHEN event_time = first_time THEN value END)
                ELSE max(CASE WHEN event_time = last_time THEN value END) END AS expected
    FROM timed
    GROUP BY event_date, session_id, started_at, place
)
SELECT event_date,
       element_at(ARRAY[${names}], place) AS name,
       count(*) AS differing,
       array_join(slice(array_agg(session_id), 1, 10), chr(31)) AS samples
FROM compared
WHERE held IS DISTINCT FROM expected
GROUP BY event_date, place
