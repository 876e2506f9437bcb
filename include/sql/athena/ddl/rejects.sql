-- Rejects: every raw record of a source that is not good, with its fate and reason.
-- Grain: one row a raw record. Together with Silver these are the records of Bronze.
-- Names: database, table, lake.
CREATE TABLE IF NOT EXISTS ${database}.${table} (
    arrival_hour string COMMENT 'UTC hour in the key of the delivered object, such as 2026-11-18T13:00:00Z',
    object_id string COMMENT 'key of the delivered object',
    raw_hash string COMMENT 'MD5 of the raw record',
    fate string COMMENT 'filtered, quarantined or duplicate',
    reason string COMMENT 'why: canary, no_consent, bad_json, exact, conflict or the code of the contract',
    payload binary COMMENT 'of a quarantined record: all its bytes',
    event_id string COMMENT 'of a duplicate',
    event_date date COMMENT 'of a duplicate',
    winner_hour string COMMENT 'of a duplicate: arrival hour of the copy that is in Silver',
    winner_object string COMMENT 'of a duplicate: object of the copy that is in Silver',
    winner_hash string COMMENT 'of a duplicate: raw hash of the copy that is in Silver',
    contract string COMMENT 'version of the contract it was checked by'
)
PARTITIONED BY (arrival_hour)
LOCATION 's3://${lake}/silver/${table}/'
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'zstd')
