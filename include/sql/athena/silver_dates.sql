-- What Silver holds of some event dates, at a pinned snapshot: by this it is known for which dates Gold is out of date.
-- Grain: one row an event date that has events.
-- Names: silver, session_key. Values: silver_snapshot, dates, hours (arrival hours whose share is told apart).
SELECT event_date,
       count(*) AS records,
       sum(from_base(substr(raw_hash, 1, 8), 16)) AS sum_1,
       sum(from_base(substr(raw_hash, 9, 8), 16)) AS sum_2,
       count_if(coalesce(${session_key}, '') = '') AS without_session,
       count_if(arrival_hour IN (${hours})) AS in_hours
FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
WHERE event_date IN (${dates})
GROUP BY event_date
