-- What each object of some arrival hours holds: the manifest, counted in Bronze alone.
-- Grain: one row an object that has at least one record.
-- Names: bronze_text. Values: hours, unreadable (paths to leave out, each counted on its own).
WITH lines AS (
    SELECT "$path" AS path, to_utf8(line) AS bytes
    FROM ${bronze_text}
    WHERE concat(year, '-', month, '-', day, 'T', hour, ':00:00Z') IN (${hours})
      AND "$path" NOT IN (${unreadable})
),
records AS (
    -- A leading byte order mark is no part of a record.
    SELECT path,
           CASE WHEN to_hex(substr(bytes, 1, 3)) = 'EFBBBF'
                THEN from_hex(regexp_replace(to_hex(bytes), '^(EFBBBF)+', ''))
                ELSE bytes END AS record
    FROM lines
),
hashed AS (
    SELECT path, lower(to_hex(md5(record))) AS raw_hash
    FROM records
    WHERE length(record) > 0
)
SELECT path,
       count(*) AS records,
       sum(from_base(substr(raw_hash, 1, 8), 16)) AS sum_1,
       sum(from_base(substr(raw_hash, 9, 8), 16)) AS sum_2
FROM hashed
GROUP BY path
