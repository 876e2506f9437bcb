-- One step of the funnel against Silver, both at pinned snapshots: a session has as many of its events as Silver has
-- between its first and last, and reached it at the first of them that is not before it reached the step before; the
-- steps reached are counted as well.
-- Grain: one row an event date with sessions of which that is not true; samples are ids of sessions.
-- Names: silver, sessions, session_key, event_type, step_at, step_count, earlier_at. Values: silver_snapshot,
-- sessions_snapshot, dates, dates_after (also the one after each), step_number (from 1 on), step_types, step_holding.
WITH steps AS (
    SELECT ${session_key} AS session_id, event_time
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date IN (${dates_after})
      AND ${event_type} IN (${step_types})
      AND ${step_holding}
),
compared AS (
    SELECT sessions.event_date, sessions.session_id,
           max(sessions.${step_count}) AS held_count,
           max(sessions.${step_at}) AS held_at,
           max(sessions.steps_reached) AS steps_reached,
           count(steps.event_time) AS silver_count,
           min(CASE WHEN steps.event_time >= sessions.${earlier_at} THEN steps.event_time END) AS silver_at
    FROM ${sessions} FOR VERSION AS OF ${sessions_snapshot} AS sessions
    LEFT JOIN steps
      ON steps.session_id = sessions.session_id
     AND steps.event_time BETWEEN sessions.started_at AND sessions.ended_at
    WHERE sessions.event_date IN (${dates})
    GROUP BY sessions.event_date, sessions.session_id, sessions.started_at
)
SELECT event_date,
       count(*) AS differing,
       array_join(slice(array_agg(session_id), 1, 10), chr(31)) AS samples
FROM compared
WHERE held_count <> silver_count
   OR held_at IS DISTINCT FROM silver_at
   OR (steps_reached >= ${step_number}) <> (held_at IS NOT NULL)
GROUP BY event_date
