SELECT
    user_id,
    min(event_time) AS first_seen,
    max(event_time) AS last_seen,
    count(*) AS event_count,
    (max({'at': event_time, 'value': country}) FILTER (country IS NOT NULL)).value AS country,
    (max({'at': event_time, 'value': signup_date}) FILTER (signup_date IS NOT NULL)).value AS signup_date,
    (max({'at': event_time, 'value': device_type}) FILTER (device_type IS NOT NULL)).value AS device_preferences
FROM silver
GROUP BY user_id
