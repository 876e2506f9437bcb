-- Three pages that users looked at one after another in a session, by how often; the same page again is no step.
-- Grain: one row an event date and path. Views at the same time are taken in the order of their pages.
-- Names: fact_clicks.
WITH views AS (
    SELECT event_date, session_id, event_timestamp, page_url,
           lag(page_url) OVER (PARTITION BY event_date, session_id ORDER BY event_timestamp, page_url) AS page_before
    FROM ${fact_clicks}
    WHERE event_type IN ('page_view', 'product_view') AND page_url IS NOT NULL
),
steps AS (
    SELECT event_date, session_id, page_url AS first_page,
           lead(page_url, 1) OVER (PARTITION BY event_date, session_id ORDER BY event_timestamp, page_url)
               AS second_page,
           lead(page_url, 2) OVER (PARTITION BY event_date, session_id ORDER BY event_timestamp, page_url)
               AS third_page
    FROM views
    WHERE page_before IS DISTINCT FROM page_url
)
SELECT event_date, first_page, second_page, third_page,
       count(*) AS times,
       count(DISTINCT session_id) AS sessions
FROM steps
WHERE third_page IS NOT NULL
GROUP BY event_date, first_page, second_page, third_page
