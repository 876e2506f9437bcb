-- A dimension against Silver, all at pinned snapshots: what each date says of each member is what Silver has of it, and
-- the member has one row, put together of all its dates. So each member that Silver has is in the dimension.
-- Grain: one row an event date that has events on either side; samples are keys of members.
-- Names: silver, days, dimension, key. Values: silver_snapshot, days_snapshot, dimension_snapshot, dates.
WITH expected_days AS (
    SELECT event_date, ${key} AS member,
           min(event_time) AS first_seen,
           max(event_time) AS last_seen,
           count(*) AS event_count
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date IN (${dates})
    GROUP BY event_date, ${key}
),
days AS (
    SELECT event_date, ${key} AS member, first_seen, last_seen, event_count
    FROM ${days} FOR VERSION AS OF ${days_snapshot}
),
compared_days AS (
    SELECT coalesce(expected_days.event_date, held.event_date) AS event_date,
           coalesce(expected_days.member, held.member) AS member,
           coalesce(expected_days.event_count, 0) AS silver_events,
           coalesce(held.event_count, 0) AS gold_events,
           expected_days.first_seen IS DISTINCT FROM held.first_seen
               OR expected_days.last_seen IS DISTINCT FROM held.last_seen
               OR expected_days.event_count IS DISTINCT FROM held.event_count AS differs
    FROM expected_days
    FULL OUTER JOIN (SELECT * FROM days WHERE event_date IN (${dates})) AS held
      ON held.event_date = expected_days.event_date AND held.member = expected_days.member
),
members AS (
    SELECT ${key} AS member, first_seen, last_seen, event_count
    FROM ${dimension} FOR VERSION AS OF ${dimension_snapshot}
),
concerned AS (
    -- A member that no date has any more was seen on one of these.
    SELECT event_date, member FROM compared_days
    UNION
    SELECT CAST(first_seen AS date), member FROM members WHERE CAST(first_seen AS date) IN (${dates})
    UNION
    SELECT CAST(last_seen AS date), member FROM members WHERE CAST(last_seen AS date) IN (${dates})
),
expected_members AS (
    SELECT member, min(first_seen) AS first_seen, max(last_seen) AS last_seen, sum(event_count) AS event_count
    FROM days
    WHERE member IN (SELECT member FROM concerned)
    GROUP BY member
),
held_members AS (
    SELECT member, min(first_seen) AS first_seen, max(last_seen) AS last_seen, sum(event_count) AS event_count,
           count(*) AS copies
    FROM members
    GROUP BY member
),
compared_members AS (
    SELECT concerned.event_date, concerned.member,
           held_members.copies IS DISTINCT FROM 1
               OR expected_members.first_seen IS DISTINCT FROM held_members.first_seen
               OR expected_members.last_seen IS DISTINCT FROM held_members.last_seen
               OR expected_members.event_count IS DISTINCT FROM held_members.event_count AS differs
    FROM concerned
    LEFT JOIN expected_members ON expected_members.member = concerned.member
    LEFT JOIN held_members ON held_members.member = concerned.member
),
sides AS (
    SELECT event_date, member, silver_events, gold_events, differs FROM compared_days
    UNION ALL
    SELECT event_date, member, 0, 0, differs FROM compared_members
)
SELECT event_date,
       sum(silver_events) AS silver_events,
       sum(gold_events) AS gold_events,
       count(DISTINCT CASE WHEN differs THEN member END) AS differing,
       array_join(slice(array_distinct(array_agg(member) FILTER (WHERE differs)), 1, 10), chr(31)) AS samples
FROM sides
GROUP BY event_date
