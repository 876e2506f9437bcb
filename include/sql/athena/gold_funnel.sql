-- A funnel against the sessions and the history that it is made of, all at pinned snapshots: each session must have one
-- row, with the steps that it reached and what its visitor had when it started.
-- Grain: one row an event date that has sessions on either side; samples are ids of sessions.
-- Names: funnel, sessions, history, key (of the sessions), member, value, columns (steps, then the further ones), reached
-- (the same of the sessions). Values: funnel_snapshot, sessions_snapshot, history_snapshot, dates.
WITH started AS (
    SELECT *
    FROM ${sessions} FOR VERSION AS OF ${sessions_snapshot}
    WHERE event_date IN (${dates})
),
history AS (
    SELECT ${member} AS member, ${value} AS segment, valid_from, valid_to
    FROM ${history} FOR VERSION AS OF ${history_snapshot}
),
active AS (
    SELECT started.session_id, started.started_at, array_agg(history.segment ORDER BY history.segment) AS segments
    FROM started
    JOIN history
      ON history.member = started.${key}
     AND history.valid_from <= started.started_at
    WHERE coalesce(history.valid_to > started.started_at, TRUE)
    GROUP BY started.session_id, started.started_at
),
expected AS (
    SELECT started.*, coalesce(active.segments, CAST(ARRAY[] AS array(varchar))) AS _segments
    FROM started
    LEFT JOIN active ON active.session_id = started.session_id AND active.started_at = started.started_at
),
sides AS (
    SELECT event_date, session_id, started_at, ${columns}, segments, 0 AS in_sessions, 1 AS in_funnel
    FROM ${funnel} FOR VERSION AS OF ${funnel_snapshot}
    WHERE event_date IN (${dates})
    UNION ALL
    SELECT event_date, session_id, started_at, ${reached}, _segments, 1, 0
    FROM expected
),
compared AS (
    SELECT event_date, session_id,
           sum(in_sessions) AS in_sessions,
           sum(in_funnel) AS in_funnel
    FROM sides
    GROUP BY event_date, session_id, started_at, ${columns}, segments
)
SELECT event_date,
       sum(in_sessions) AS silver_events,
       sum(in_funnel) AS gold_events,
       count(DISTINCT CASE WHEN in_sessions <> in_funnel THEN session_id END) AS differing,
       array_join(slice(array_distinct(array_agg(session_id) FILTER (WHERE in_sessions <> in_funnel)), 1, 10), chr(31))
           AS samples
FROM compared
GROUP BY event_date
