-- How far the sessions of each variant of the site go: to a comparison, to its controls, to a shop; each of those
-- before. Payouts are those told with the clicks, without later corrections: affiliate_payouts has these.
-- Grain: one row an event date and variant; NULL is the variant of sessions that tell none.
-- Names: fact_funnel.
SELECT event_date, ab_variant,
       count(*) AS sessions,
       count(CASE WHEN saw_comparison THEN 1 END) AS saw_comparison,
       count(CASE WHEN interacted_chart THEN 1 END) AS interacted_chart,
       count(CASE WHEN clicked_affiliate THEN 1 END) AS clicked_affiliate,
       CAST(count(CASE WHEN clicked_affiliate THEN 1 END) AS double) / count(*) AS conversion,
       coalesce(sum(payout_cents), 0) AS payout_cents
FROM ${fact_funnel}
GROUP BY event_date, ab_variant
