-- The pages of a date by how often they were looked at; place 1 has the most views.
-- Grain: one row an event date and page.
-- Names: fact_clicks.
WITH viewed AS (
    SELECT event_date, page_url,
           count(*) AS views,
           count(DISTINCT user_id) AS users
    FROM ${fact_clicks}
    WHERE event_type IN ('page_view', 'product_view') AND page_url IS NOT NULL
    GROUP BY event_date, page_url
)
SELECT event_date, page_url, views, users,
       rank() OVER (PARTITION BY event_date ORDER BY views DESC) AS place
FROM viewed
