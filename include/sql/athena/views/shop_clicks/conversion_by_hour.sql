-- How many of the sessions that begin in an hour of a date come to a purchase on that date.
-- Grain: one row an event date and hour of the day (UTC) in which a session begins.
-- Names: fact_clicks.
WITH sessions AS (
    SELECT event_date, session_id,
           hour(min(event_timestamp)) AS began_in_hour,
           max(CASE WHEN event_type = 'purchase' THEN 1 ELSE 0 END) AS bought
    FROM ${fact_clicks}
    GROUP BY event_date, session_id
)
SELECT event_date, began_in_hour,
       count(*) AS sessions,
       sum(bought) AS sessions_with_purchase,
       CAST(sum(bought) AS double) / count(*) AS conversion
FROM sessions
GROUP BY event_date, began_in_hour
