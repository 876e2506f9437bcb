SELECT
    event_date, event_id AS click_id, user_id, session_id, event_type, event_time AS event_timestamp, device_type,
    page_url, referrer_url, order_id, product_id
FROM silver
