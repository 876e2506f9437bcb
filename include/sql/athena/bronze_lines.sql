-- The raw records of a Bronze of text: its lines without a leading byte order mark, and without empty ones.
-- Grain: one row a raw record. Part of the queries that read Bronze.
-- Names: bronze_text, event_id (the identity of a document). Values: hours, unreadable (paths to leave out), consent_path.
SELECT arrival_hour, path,
       lower(to_hex(md5(record))) AS raw_hash,
       ${event_id} AS event_id,
       json_format(json_extract(document, ${consent_path})) AS consent
FROM (
    SELECT arrival_hour, path,
           CASE WHEN to_hex(substr(bytes, 1, 3)) = 'EFBBBF'
                THEN from_hex(regexp_replace(to_hex(bytes), '^(EFBBBF)+', ''))
                ELSE bytes END AS record,
           regexp_replace(line, '^\x{FEFF}+', '') AS document
    FROM (
        SELECT concat(year, '-', month, '-', day, 'T', hour, ':00:00Z') AS arrival_hour,
               "$path" AS path,
               to_utf8(line) AS bytes,
               line
        FROM ${bronze_text}
        WHERE concat(year, '-', month, '-', day, 'T', hour, ':00:00Z') IN (${hours})
          AND "$path" NOT IN (${unreadable})
    )
)
WHERE length(record) > 0
