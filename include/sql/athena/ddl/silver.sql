-- Silver: the good events of a source.
-- Grain: one row an event: (event_date, event_id) is unique. The last three columns name the raw record it came from.
-- Names: database, table, lake. Columns of the source: source_columns.
CREATE TABLE IF NOT EXISTS ${database}.${table} (
    event_id string COMMENT 'identity of the event',
    event_date date COMMENT 'UTC date of event_time',
    event_time timestamp COMMENT 'own time of the event, UTC',
    ${source_columns},
    extra string COMMENT 'JSON of the fields that the contract does not know',
    contract string COMMENT 'version of the contract it was checked by',
    arrival_hour string COMMENT 'UTC hour in the key of the delivered object, such as 2026-11-18T13:00:00Z',
    object_id string COMMENT 'key of the delivered object',
    raw_hash string COMMENT 'MD5 of the raw record'
)
PARTITIONED BY (event_date, arrival_hour)
LOCATION 's3://${lake}/silver/${table}/'
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'zstd')
