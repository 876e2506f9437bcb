WITH events AS (
    SELECT *, coalesce(event_time > lag(event_time) OVER visitor + INTERVAL 30 MINUTES, true) AS after_gap
    FROM silver
    WHERE session_id <> ''
    WINDOW visitor AS (PARTITION BY session_id ORDER BY event_time)
),
filled AS (
    SELECT *, NOT bool_or(after_gap) OVER (PARTITION BY session_id, event_date) AS is_filled FROM events
),
begun AS (
    SELECT
        *,
        after_gap
        OR coalesce(lag(event_date) OVER visitor < event_date AND lag(is_filled) OVER visitor, false) AS begins
    FROM filled
    WINDOW visitor AS (PARTITION BY session_id ORDER BY event_time)
),
started AS (
    SELECT
        *,
        max(CASE WHEN begins THEN event_time END) OVER (
            PARTITION BY session_id ORDER BY event_time RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS started_at
    FROM begun
),
sessions AS (
    SELECT
        session_id, started_at,
        max(event_time) AS ended_at,
        count(*) AS event_count,
        count(*) FILTER (event_date > started_at::DATE) AS events_after_midnight,
        min(event_time) FILTER (event_type = 'page_view' AND contains(page_url, '/compare')) AS saw_comparison_at,
        count(*) FILTER (event_type = 'page_view' AND contains(page_url, '/compare')) AS saw_comparison_count,
        list(event_time) FILTER (event_type = 'chart_interaction') AS interactions,
        list(event_time) FILTER (event_type = 'affiliate_click') AS clicks,
        count(*) FILTER (event_type = 'page_view') AS pageviews,
        (min({'at': event_time, 'value': user_id_hash}) FILTER (user_id_hash IS NOT NULL)).value AS user_id_hash,
        (min({'at': event_time, 'value': ab_variant}) FILTER (ab_variant IS NOT NULL)).value AS ab_variant,
        (min({'at': event_time, 'value': geo_country}) FILTER (geo_country IS NOT NULL)).value AS geo_country,
        (min({'at': event_time, 'value': page_url}) FILTER (page_url IS NOT NULL)).value AS first_page_url,
        (min({'at': event_time, 'value': affiliate_target}) FILTER (affiliate_target IS NOT NULL)).value
            AS affiliate_target,
        (max({'at': event_time, 'value': page_url}) FILTER (page_url IS NOT NULL)).value AS last_page_url,
        sum(CASE WHEN payout_cents > -1e9 AND payout_cents < 1e9 THEN payout_cents ELSE 0 END)::BIGINT AS payout_cents
    FROM started
    GROUP BY session_id, started_at
),
interacted AS (
    SELECT *, list_min(list_filter(interactions, lambda event: event >= saw_comparison_at)) AS interacted_chart_at
    FROM sessions
),
clicked AS (
    SELECT *, list_min(list_filter(clicks, lambda event: event >= interacted_chart_at)) AS clicked_affiliate_at
    FROM interacted
)
SELECT
    started_at::DATE AS event_date, session_id, started_at, ended_at, event_count, events_after_midnight,
    CAST(0 AS DECIMAL(20, 2)) AS revenue,
    (saw_comparison_at IS NOT NULL)::INT + (interacted_chart_at IS NOT NULL)::INT
        + (clicked_affiliate_at IS NOT NULL)::INT AS steps_reached,
    saw_comparison_at, saw_comparison_count,
    interacted_chart_at, coalesce(len(interactions), 0) AS interacted_chart_count,
    clicked_affiliate_at, coalesce(len(clicks), 0) AS clicked_affiliate_count,
    pageviews, coalesce(len(interactions), 0) AS chart_interactions, coalesce(len(clicks), 0) AS affiliate_clicks,
    user_id_hash, ab_variant, geo_country, first_page_url, affiliate_target, last_page_url, payout_cents
FROM clicked
