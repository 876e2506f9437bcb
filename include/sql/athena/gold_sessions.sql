-- The sessions against Silver, both at pinned snapshots: SQL puts Silver's events together itself, and each session
-- must be there once, with its times, events and hundredths of revenue.
-- Grain: one row an event date that has events in sessions on either side; samples are ids of sessions.
-- Names: silver, sessions, session_key, event_type, amount. Values: silver_snapshot, sessions_snapshot, gap_minutes,
-- dates, dates_read (also two dates before and the one after each), dates_before (the date before each),
-- revenue_types, largest_amount.
WITH events AS (
    SELECT ${session_key} AS session_id,
           event_date,
           event_time,
           CASE WHEN ${event_type} IN (${revenue_types}) AND abs(CAST(${amount} AS double)) < ${largest_amount}
                THEN CAST(round(CAST(${amount} AS double) * 100) AS bigint)
                ELSE 0 END AS cents
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date IN (${dates_read}) AND coalesce(${session_key}, '') <> ''
),
ordered AS (
    SELECT session_id, event_date, event_time, cents,
           lag(event_time) OVER (PARTITION BY session_id ORDER BY event_time) AS previous
    FROM events
),
gaps AS (
    SELECT session_id, event_date, event_time, cents, previous,
           CASE WHEN previous IS NULL OR date_add('minute', ${gap_minutes}, previous) < event_time
                THEN 1 ELSE 0 END AS gap
    FROM ordered
),
filled AS (
    -- No gap on the date, not even before its first event: it was filled from one midnight to the next.
    SELECT session_id, date_add('day', 1, event_date) AS next_date
    FROM gaps
    GROUP BY session_id, event_date
    HAVING sum(gaps.gap) = 0
),
numbered AS (
    -- By range, not by rows: of events at the same time any may be the one with the gap before it.
    SELECT gaps.session_id, gaps.event_date, gaps.event_time, gaps.cents,
           sum(CASE WHEN gaps.gap = 1
                      OR (filled.next_date IS NOT NULL AND CAST(gaps.previous AS date) < gaps.event_date)
                    THEN 1 ELSE 0 END)
               OVER (PARTITION BY gaps.session_id ORDER BY gaps.event_time
                     RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS number
    FROM gaps
    LEFT JOIN filled
      ON filled.session_id = gaps.session_id AND filled.next_date = gaps.event_date
),
expected AS (
    SELECT session_id,
           min(event_date) AS event_date,
           min(event_time) AS started_at,
           max(event_time) AS ended_at,
           count(*) AS event_count,
           sum(cents) AS cents
    FROM numbered
    GROUP BY session_id, number
),
held AS (
    SELECT session_id, event_date, started_at,
           max(ended_at) AS ended_at,
           sum(event_count) AS event_count,
           sum(CAST(revenue * 100 AS bigint)) AS cents,
           count(*) AS copies
    FROM ${sessions} FOR VERSION AS OF ${sessions_snapshot}
    WHERE event_date IN (${dates})
    GROUP BY session_id, event_date, started_at
),
compared AS (
    SELECT coalesce(expected.event_date, held.event_date) AS event_date,
           coalesce(expected.session_id, held.session_id) AS session_id,
           CASE WHEN expected.session_id IS NULL THEN 0 ELSE 1 END AS in_silver,
           coalesce(held.copies, 0) AS in_gold,
           coalesce(expected.cents, 0) AS silver_cents,
           coalesce(held.cents, 0) AS gold_cents,
           CASE WHEN held.copies = 1
                 AND expected.ended_at = held.ended_at
                 AND expected.event_count = held.event_count
                 AND expected.cents = held.cents
                THEN 0 ELSE 1 END AS differs
    FROM (SELECT * FROM expected WHERE event_date IN (${dates})) AS expected
    FULL OUTER JOIN held
      ON held.session_id = expected.session_id
     AND held.event_date = expected.event_date
     AND held.started_at = expected.started_at
),
placed AS (
    -- The events of the sessions by their own date: what lies after midnight belongs to the date after.
    SELECT event_date, event_count - events_after_midnight AS events
    FROM ${sessions} FOR VERSION AS OF ${sessions_snapshot}
    WHERE event_date IN (${dates})
    UNION ALL
    SELECT date_add('day', 1, event_date), events_after_midnight
    FROM ${sessions} FOR VERSION AS OF ${sessions_snapshot}
    WHERE event_date IN (${dates_before})
),
sides AS (
    SELECT event_date, in_silver, in_gold, silver_cents, gold_cents, differs, 0 AS silver_events, 0 AS gold_events,
           CASE WHEN differs = 1 THEN session_id END AS sample
    FROM compared
    UNION ALL
    SELECT event_date, 0, 0, 0, 0, 0, count(*), 0, NULL
    FROM events
    GROUP BY event_date
    UNION ALL
    SELECT event_date, 0, 0, 0, 0, 0, 0, events, NULL
    FROM placed
)
SELECT event_date,
       sum(in_silver) AS silver_sessions,
       sum(in_gold) AS gold_sessions,
       sum(silver_events) AS silver_events,
       sum(gold_events) AS gold_events,
       sum(silver_cents) AS silver_cents,
       sum(gold_cents) AS gold_cents,
       sum(differs) AS differing,
       array_join(slice(array_agg(sample) FILTER (WHERE sample IS NOT NULL), 1, 10), chr(31)) AS samples
FROM sides
WHERE event_date IN (${dates})
GROUP BY event_date
