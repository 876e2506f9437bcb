WITH clicks AS (SELECT * FROM silver WHERE event_type = 'affiliate_click'),
latest AS (
    SELECT
        clicks.event_date, clicks.event_id,
        max({'at': told.event_time, 'id': told.event_id, 'value': told.payout_cents}) AS latest
    FROM clicks
    JOIN silver AS told
        ON told.event_type = 'affiliate_correction' AND told.corrects = clicks.event_id
        AND told.event_date BETWEEN clicks.event_date AND clicks.event_date + 45
    GROUP BY clicks.event_date, clicks.event_id
)
SELECT
    event_date, event_id, session_id, user_id_hash, affiliate_link_id, affiliate_target,
    CASE WHEN latest IS NULL THEN payout_cents ELSE latest.value END AS payout_cents,
    ab_variant, geo_country, event_time AS ts,
    latest.id AS corrected_by, latest.at AS corrected_at
FROM clicks
LEFT JOIN latest USING (event_date, event_id)
