-- What the records of some arrival hours are like in Silver, at a pinned snapshot: expectations are held against this.
-- Grain: one row a measured column in all hours together, in each hour, and in each kind of event; one row each of the
-- 50 most frequent values of some columns, in all hours together and in each hour. `about` says which. Measured beside
-- the columns is arrival.lateness: how long before its arrival hour an event happened.
-- Names: silver, kind. Values: silver_snapshot, hours, names, texts (the columns of these names, as text), values_of
-- (names of the columns whose values are told).
WITH placed AS (
    SELECT *,
           date_diff('second', event_time, date_parse(arrival_hour, '%Y-%m-%dT%H:%i:%sZ')) AS seconds_before
    FROM ${silver} FOR VERSION AS OF ${silver_snapshot}
    WHERE arrival_hour IN (${hours})
),
records AS (
    SELECT arrival_hour,
           ${kind} AS kind,
           ARRAY[${names}, 'arrival.lateness'] AS names,
           ARRAY[${texts},
                 CASE WHEN seconds_before <= -3600 THEN 'ahead'
                      WHEN seconds_before <= 0 THEN 'none'
                      WHEN seconds_before <= 3600 THEN 'an hour'
                      WHEN seconds_before <= 86400 THEN 'a day'
                      ELSE 'longer' END] AS texts
    FROM placed
),
cells AS (
    SELECT arrival_hour, kind, element_at(names, place) AS name, element_at(texts, place) AS text
    FROM records
    CROSS JOIN UNNEST(sequence(1, cardinality(names))) AS cell (place)
),
told AS (
    SELECT arrival_hour, kind, name, text,
           TRY_CAST(text AS double) AS amount,
           CASE WHEN name IN (${values_of}, 'arrival.lateness') THEN coalesce(text, '') END AS value
    FROM cells
),
measured AS (
    SELECT CASE WHEN grouping(value) = 0 THEN 'value'
                WHEN grouping(kind) = 0 THEN 'kind'
                ELSE 'column' END AS about,
           arrival_hour, kind, name, value,
           count(*) AS records,
           count(text) AS filled,
           approx_distinct(text) AS different,
           min(amount) AS lowest,
           max(amount) AS highest,
           avg(amount) AS mean
    FROM told
    GROUP BY GROUPING SETS (
        (name), (arrival_hour, name), (kind, name), (name, value), (arrival_hour, name, value)
    )
),
ranked AS (
    SELECT about, arrival_hour, kind, name, value, records, filled, different, lowest, highest, mean,
           row_number() OVER (PARTITION BY about, arrival_hour, name ORDER BY records DESC) AS place
    FROM measured
    WHERE about <> 'value' OR value IS NOT NULL
)
SELECT about, arrival_hour, kind, name, value, records, filled, different, lowest, highest, mean
FROM ranked
WHERE about <> 'value' OR place <= 50
