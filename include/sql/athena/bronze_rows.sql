-- The raw records of a Bronze of Parquet: its rows, each by a text of its own, and the records that became no row,
-- each in an envelope below the error prefix.
-- Grain: one row a raw record. Part of the queries that read Bronze.
-- Names: bronze, bronze_errors, row_text, row_event_id, row_consent, event_id (the identity of a document).
-- Values: hours, unreadable (paths to leave out), consent_path.
SELECT concat(year, '-', month, '-', day, 'T', hour, ':00:00Z') AS arrival_hour,
       "$path" AS path,
       lower(to_hex(md5(to_utf8(${row_text})))) AS raw_hash,
       ${row_event_id} AS event_id,
       ${row_consent} AS consent
FROM ${bronze}
WHERE concat(year, '-', month, '-', day, 'T', hour, ':00:00Z') IN (${hours})
  AND "$path" NOT IN (${unreadable})
UNION ALL
SELECT arrival_hour, path,
       lower(to_hex(md5(record))) AS raw_hash,
       ${event_id} AS event_id,
       json_format(json_extract(document, ${consent_path})) AS consent
FROM (
    SELECT arrival_hour, path, record, from_utf8(record) AS document
    FROM (
        SELECT arrival_hour, path,
               from_hex(regexp_replace(to_hex(sent), '(0A|0D)+$', '')) AS record
        FROM (
            SELECT concat(year, '-', month, '-', day, 'T', hour, ':00:00Z') AS arrival_hour,
                   "$path" AS path,
                   coalesce(TRY(from_base64(json_extract_scalar(line, '$.rawData'))), to_utf8(line)) AS sent
            FROM ${bronze_errors}
            WHERE concat(year, '-', month, '-', day, 'T', hour, ':00:00Z') IN (${hours})
              AND "$path" NOT IN (${unreadable})
        )
    )
    WHERE length(record) > 0
)
