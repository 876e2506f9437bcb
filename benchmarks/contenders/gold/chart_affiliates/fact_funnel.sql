WITH held AS (
    SELECT sessions.session_id, sessions.started_at, list_sort(list(DISTINCT segment_key)) AS segments
    FROM sessions
    JOIN user_segments
        ON sessions.user_id_hash = user_segments.user_id_hash
        AND started_at >= valid_from AND (valid_to IS NULL OR started_at < valid_to)
    GROUP BY sessions.session_id, sessions.started_at
)
SELECT
    event_date, session_id, started_at,
    saw_comparison_at IS NOT NULL AS saw_comparison,
    interacted_chart_at IS NOT NULL AS interacted_chart,
    clicked_affiliate_at IS NOT NULL AS clicked_affiliate,
    user_id_hash, affiliate_target, payout_cents, ab_variant, geo_country,
    coalesce(segments, []) AS segments
FROM sessions
LEFT JOIN held USING (session_id, started_at)
