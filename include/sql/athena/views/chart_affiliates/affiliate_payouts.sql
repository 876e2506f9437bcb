-- What the clicks of a date on each affiliate link bring, as far as it is known today: payouts are corrected for weeks.
-- Grain: one row an event date, link and target; a date is that of the click, also of what a later correction brought.
-- Names: fact_affiliate_clicks.
SELECT event_date, affiliate_link_id, affiliate_target,
       count(*) AS clicks,
       count(payout_cents) AS clicks_with_payout,
       count(corrected_by) AS clicks_corrected,
       coalesce(sum(payout_cents), 0) AS payout_cents
FROM ${fact_affiliate_clicks}
GROUP BY event_date, affiliate_link_id, affiliate_target
