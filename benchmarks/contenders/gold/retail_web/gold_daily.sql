SELECT
    event_date, event_type, device_type, country,
    count(*) AS event_count,
    CAST(sum(CASE WHEN event_type = 'purchase' AND abs(total_amount) < 1e9 THEN round(total_amount * 100) ELSE 0 END)
        AS DECIMAL(20, 0)) * 0.01 AS revenue
FROM silver
GROUP BY event_date, event_type, device_type, country
