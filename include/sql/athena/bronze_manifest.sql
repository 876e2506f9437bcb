-- What each object of some arrival hours holds: the manifest, counted in Bronze alone.
-- Grain: one row an object that has at least one record.
-- Names: bronze_records (bronze_lines.sql or bronze_rows.sql).
WITH records AS (
${bronze_records}
)
SELECT path,
       count(*) AS records,
       sum(from_base(substr(raw_hash, 1, 8), 16)) AS sum_1,
       sum(from_base(substr(raw_hash, 9, 8), 16)) AS sum_2
FROM records
GROUP BY path
