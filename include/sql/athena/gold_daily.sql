-- The daily table against Silver, both at pinned snapshots: each combination of the dimensions' values must have one
-- row, with as many events and hundredths of revenue as Silver has.
-- Grain: one row an event date that has events on either side.
-- Names: silver, daily, dimensions, event_type, amount. Values: silver_snapshot, daily_snapshot, dates,
-- revenue_types, largest_amount.
WITH sides AS (
    SELECT event_date, ${dimensions},
           1 AS in_silver,
           0 AS in_gold,
           0 AS gold_rows,
           CASE WHEN ${event_type} IN (${revenue_types}) AND abs(CAST(${amount} AS double)) < ${largest_amount}
                THEN CAST(round(CAST(${amount} AS double) * 100) AS bigint)
                ELSE 0 END AS silver_cents,
           0 AS gold_cents
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE event_date IN (${dates})
    UNION ALL
    SELECT event_date, ${dimensions}, 0, event_count, 1, 0, CAST(revenue * 100 AS bigint)
    FROM ${daily} FOR VERSION AS OF ${daily_snapshot}
    WHERE event_date IN (${dates})
),
compared AS (
    SELECT event_date, ${dimensions},
           sum(in_silver) AS in_silver,
           sum(in_gold) AS in_gold,
           sum(gold_rows) AS gold_rows,
           sum(silver_cents) AS silver_cents,
           sum(gold_cents) AS gold_cents
    FROM sides
    GROUP BY event_date, ${dimensions}
)
SELECT event_date,
       sum(in_silver) AS silver_events,
       sum(in_gold) AS gold_events,
       sum(silver_cents) AS silver_cents,
       sum(gold_cents) AS gold_cents,
       count_if(in_silver <> in_gold OR silver_cents <> gold_cents OR gold_rows <> 1) AS differing
FROM compared
GROUP BY event_date
