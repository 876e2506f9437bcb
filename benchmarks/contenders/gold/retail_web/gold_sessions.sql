WITH events AS (
    SELECT
        *,
        CASE WHEN event_type = 'purchase' AND abs(total_amount) < 1e9 THEN round(total_amount * 100) ELSE 0 END
            AS cents,
        coalesce(event_time > lag(event_time) OVER visitor + INTERVAL 30 MINUTES, true) AS after_gap
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
        sum(cents) AS cents,
        min(event_time) FILTER (event_type = 'product_view') AS view_at,
        count(*) FILTER (event_type = 'product_view') AS view_count,
        list(event_time) FILTER (event_type = 'add_to_cart') AS carts,
        list(event_time) FILTER (event_type = 'checkout_start') AS checkouts,
        list(event_time) FILTER (event_type = 'purchase') AS purchases
    FROM started
    GROUP BY session_id, started_at
),
carted AS (SELECT *, list_min(list_filter(carts, lambda event: event >= view_at)) AS cart_at FROM sessions),
checked_out AS (SELECT *, list_min(list_filter(checkouts, lambda event: event >= cart_at)) AS checkout_at FROM carted),
purchased AS (
    SELECT *, list_min(list_filter(purchases, lambda event: event >= checkout_at)) AS purchase_at FROM checked_out
)
SELECT
    started_at::DATE AS event_date, session_id, started_at, ended_at, event_count, events_after_midnight,
    CAST(cents AS DECIMAL(20, 0)) * 0.01 AS revenue,
    (view_at IS NOT NULL)::INT + (cart_at IS NOT NULL)::INT + (checkout_at IS NOT NULL)::INT
        + (purchase_at IS NOT NULL)::INT AS steps_reached,
    view_at, view_count,
    cart_at, coalesce(len(carts), 0) AS cart_count,
    checkout_at, coalesce(len(checkouts), 0) AS checkout_count,
    purchase_at, coalesce(len(purchases), 0) AS purchase_count
FROM purchased
