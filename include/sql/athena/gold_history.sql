-- A history against Silver, all at pinned snapshots: the changes that each date tells are those of Silver, and the
-- intervals of whom they are about are what SQL makes of all their changes.
-- Grain: one row an event date that has changes on either side; samples are keys of members.
-- Names: silver, changes, history, event_type, key, value, active. Values: silver_snapshot, changes_snapshot,
-- history_snapshot, dates, event_types.
WITH told AS (
    SELECT event_date, event_id, event_time, ${key} AS member, ${value} AS value, ${active} AS active
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date IN (${dates})
      AND ${event_type} IN (${event_types})
      AND ${key} IS NOT NULL AND ${value} IS NOT NULL AND ${active} IS NOT NULL
),
changes AS (
    SELECT event_date, event_id, event_time, ${key} AS member, ${value} AS value, active
    FROM ${changes} FOR VERSION AS OF ${changes_snapshot}
),
history AS (
    SELECT ${key} AS member, ${value} AS value, valid_from, valid_to, is_current
    FROM ${history} FOR VERSION AS OF ${history_snapshot}
),
changes_of_both AS (
    SELECT event_date, event_id, event_time, member, value, active, 1 AS in_silver, 0 AS in_gold FROM told
    UNION ALL
    SELECT event_date, event_id, event_time, member, value, active, 0, 1 FROM changes WHERE event_date IN (${dates})
),
compared_changes AS (
    SELECT event_date, member, sum(in_silver) AS in_silver, sum(in_gold) AS in_gold
    FROM changes_of_both
    GROUP BY event_date, event_id, event_time, member, value, active
),
concerned AS (
    -- An interval whose change no date tells any more began or ended on one of these.
    SELECT event_date, member FROM compared_changes
    UNION
    SELECT CAST(valid_from AS date), member FROM history WHERE CAST(valid_from AS date) IN (${dates})
    UNION
    SELECT CAST(valid_to AS date), member FROM history WHERE CAST(valid_to AS date) IN (${dates})
),
at_a_time AS (
    SELECT member, value, event_time, max_by(active, event_id) AS active
    FROM changes
    WHERE member IN (SELECT member FROM concerned)
    GROUP BY member, value, event_time
),
numbered AS (
    SELECT member, value, event_time, active,
           sum(CASE WHEN active THEN 0 ELSE 1 END)
               OVER (PARTITION BY member, value ORDER BY event_time) AS ends
    FROM at_a_time
),
expected AS (
    -- All that begins after one end is the same interval, until the end after it.
    SELECT begun.member, begun.value, begun.valid_from, ended.event_time AS valid_to
    FROM (
        SELECT member, value, ends, min(event_time) AS valid_from
        FROM numbered
        WHERE active
        GROUP BY member, value, ends
    ) AS begun
    LEFT JOIN (SELECT member, value, ends, event_time FROM numbered WHERE NOT active) AS ended
      ON ended.member = begun.member AND ended.value = begun.value AND ended.ends = begun.ends + 1
),
intervals_of_both AS (
    SELECT member, value, valid_from, valid_to, valid_to IS NULL AS is_current, 1 AS in_changes, 0 AS in_history
    FROM expected
    UNION ALL
    SELECT member, value, valid_from, valid_to, is_current, 0, 1
    FROM history
    WHERE member IN (SELECT member FROM concerned)
),
differing AS (
    SELECT DISTINCT member
    FROM (
        SELECT member, sum(in_changes) AS in_changes, sum(in_history) AS in_history
        FROM intervals_of_both
        GROUP BY member, value, valid_from, valid_to, is_current
    ) AS compared
    WHERE in_changes <> in_history
),
sides AS (
    SELECT event_date, member, in_silver, in_gold, in_silver <> in_gold AS differs FROM compared_changes
    UNION ALL
    SELECT concerned.event_date, concerned.member, 0, 0, TRUE
    FROM concerned
    JOIN differing ON differing.member = concerned.member
)
SELECT event_date,
       sum(in_silver) AS silver_events,
       sum(in_gold) AS gold_events,
       count(DISTINCT CASE WHEN differs THEN member END) AS differing,
       array_join(slice(array_distinct(array_agg(member) FILTER (WHERE differs)), 1, 10), chr(31)) AS samples
FROM sides
GROUP BY event_date
