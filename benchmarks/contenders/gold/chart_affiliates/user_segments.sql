WITH changes AS (
    SELECT user_id_hash, segment_key, event_time, arg_max(segment_active, event_id) AS active
    FROM silver
    WHERE event_type = 'segment_change'
        AND user_id_hash IS NOT NULL AND segment_key IS NOT NULL AND segment_active IS NOT NULL
    GROUP BY user_id_hash, segment_key, event_time
),
turns AS (
    SELECT *
    FROM changes
    WINDOW segment AS (PARTITION BY user_id_hash, segment_key ORDER BY event_time)
    QUALIFY active <> coalesce(lag(active) OVER segment, false)
),
intervals AS (
    SELECT *, lead(event_time) OVER (PARTITION BY user_id_hash, segment_key ORDER BY event_time) AS valid_to FROM turns
)
SELECT user_id_hash, segment_key, event_time AS valid_from, valid_to, valid_to IS NULL AS is_current
FROM intervals
WHERE active
