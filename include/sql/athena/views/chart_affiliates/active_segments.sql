-- How many users are in each segment: at some time of a date, and still when it ends.
-- Grain: one row a date with sessions and a segment that somebody is in on that date, all dates and times in UTC.
-- Names: fact_funnel, user_segments.
WITH dates AS (
    SELECT DISTINCT event_date,
           CAST(event_date AS timestamp) AS begins,
           CAST(date_add('day', 1, event_date) AS timestamp) AS ends
    FROM ${fact_funnel}
)
SELECT dates.event_date, segments.segment_key,
       count(DISTINCT segments.user_id_hash) AS users,
       count(DISTINCT CASE WHEN segments.valid_to IS NULL OR segments.valid_to >= dates.ends
                           THEN segments.user_id_hash END) AS users_at_end
FROM dates
JOIN ${user_segments} AS segments
  ON segments.valid_from < dates.ends AND (segments.valid_to IS NULL OR segments.valid_to > dates.begins)
GROUP BY dates.event_date, segments.segment_key
