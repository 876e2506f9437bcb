-- Corrections against the facts that they name, at pinned snapshots. A fact has the value of the latest correction that
-- names it and lies in reach, on its event date or at most within_days after it; without one it has its own.
-- Looked at are the facts of the dates, and all those that corrections of the dates name, or are said to have
-- corrected, whatever their own date is. A fact that is not in Gold, or not in Silver, is told by gold_facts.sql.
-- Grain: one row an event date that has facts or corrections; samples are ids of facts. unmatched counts corrections
-- that have no fact in reach.
-- Names: silver, facts, key, event_type, silver_column, column, refers. Values: silver_snapshot, facts_snapshot, dates,
-- earliest (within_days before the first of them), last (of them), latest (within_days after that), fact_types,
-- correction_types, within_days.
WITH events AS (
    SELECT event_date, event_id, ${silver_column} AS value
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date BETWEEN ${earliest} AND ${last} AND ${event_type} IN (${fact_types})
),
corrections AS (
    SELECT event_date, event_id, event_time, ${refers} AS fact_id, ${silver_column} AS value
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date BETWEEN ${earliest} AND ${latest} AND ${event_type} IN (${correction_types})
),
in_reach AS (
    SELECT events.event_date AS fact_date, events.event_id AS fact_id,
           corrections.event_date, corrections.event_id, corrections.event_time, corrections.value,
           row_number() OVER (PARTITION BY events.event_date, events.event_id
                              ORDER BY corrections.event_time DESC, corrections.event_id DESC) AS place
    FROM events
    JOIN corrections
      ON corrections.fact_id = events.event_id
     AND corrections.event_date BETWEEN events.event_date AND date_add('day', ${within_days}, events.event_date)
),
expected AS (
    SELECT events.event_date, events.event_id AS fact_id,
           CASE WHEN newest.place = 1 THEN newest.value ELSE events.value END AS value,
           newest.event_id AS corrected_by,
           newest.event_time AS corrected_at
    FROM events
    LEFT JOIN in_reach AS newest
      ON newest.fact_date = events.event_date AND newest.fact_id = events.event_id AND newest.place = 1
),
held AS (
    SELECT event_date, ${key} AS fact_id, ${column} AS value, corrected_by, corrected_at
    FROM ${facts} FOR VERSION AS OF ${facts_snapshot}
    WHERE event_date BETWEEN ${earliest} AND ${last}
),
concerned AS (
    -- The date that is told, and the fact.
    SELECT event_date, event_date AS fact_date, fact_id FROM held WHERE event_date IN (${dates})
    UNION
    SELECT event_date, fact_date, fact_id FROM in_reach WHERE event_date IN (${dates})
    UNION
    SELECT CAST(corrected_at AS date), event_date, fact_id FROM held WHERE CAST(corrected_at AS date) IN (${dates})
),
compared AS (
    SELECT concerned.event_date, concerned.fact_id,
           held.value IS DISTINCT FROM expected.value
               OR held.corrected_by IS DISTINCT FROM expected.corrected_by
               OR held.corrected_at IS DISTINCT FROM expected.corrected_at AS differs
    FROM concerned
    JOIN held ON held.event_date = concerned.fact_date AND held.fact_id = concerned.fact_id
    JOIN expected ON expected.event_date = concerned.fact_date AND expected.fact_id = concerned.fact_id
),
sides AS (
    SELECT event_date, CASE WHEN differs THEN fact_id END AS differing, NULL AS correction, NULL AS matched
    FROM compared
    UNION ALL
    SELECT event_date, NULL, event_id, NULL FROM corrections WHERE event_date IN (${dates})
    UNION ALL
    SELECT event_date, NULL, NULL, event_id FROM in_reach WHERE event_date IN (${dates})
)
SELECT event_date,
       count(DISTINCT correction) AS corrections,
       count(DISTINCT correction) - count(DISTINCT matched) AS unmatched,
       count(DISTINCT differing) AS differing,
       array_join(slice(array_agg(DISTINCT differing) FILTER (WHERE differing IS NOT NULL), 1, 10), chr(31)) AS samples
FROM sides
GROUP BY event_date
