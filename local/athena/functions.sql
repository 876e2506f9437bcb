-- Trino's functions as DuckDB macros, for what the two spell or answer differently. Each name here is served as a
-- function of the local Athena; the names that both share, with equal answers, are listed in functions.py.
-- A macro with several parameter types chooses by the type of the argument, and takes no other.
-- fail(text) ends the query with that error, unless it stands within TRY.

-- Text ---------------------------------------------------------------------------------------------------------
CREATE MACRO trino.length (x VARCHAR) AS length(x), (x BLOB) AS octet_length(x);
CREATE MACRO trino.substr
    (x VARCHAR, "start") AS CASE WHEN "start" = 0 THEN '' ELSE substring(x, "start") END,
    (x VARCHAR, "start", size) AS CASE WHEN "start" = 0 OR size <= 0 THEN '' ELSE substring(x, "start", size) END,
    (x BLOB, "start") AS x["start":],
    (x BLOB, "start", size) AS x["start":("start" + size - 1)];
CREATE MACRO trino.substring
    (x VARCHAR, "start") AS trino.substr(x, "start"),
    (x VARCHAR, "start", size) AS trino.substr(x, "start", size);
CREATE MACRO trino.replace (x, search) AS replace(x, search, ''), (x, search, other) AS replace(x, search, other);
CREATE MACRO trino.split (x, delimiter) AS string_split(x, delimiter);
CREATE MACRO trino.split_part (x, delimiter, position) AS CASE
    WHEN position < 1 THEN fail('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero')
    ELSE string_split(x, delimiter)[position] END;
CREATE MACRO trino.strpos (x, part) AS strpos(x, part);
CREATE MACRO trino.codepoint (x) AS unicode(x);
CREATE MACRO trino.levenshtein_distance (x, y) AS levenshtein(x, y);

CREATE MACRO trino.regexp_like (x, pattern) AS regexp_matches(x, pattern);
CREATE MACRO trino.regexp_extract
    (x, pattern) AS CASE WHEN regexp_matches(x, pattern) THEN regexp_extract(x, pattern) END,
    (x, pattern, part) AS CASE WHEN regexp_matches(x, pattern) THEN regexp_extract(x, pattern, part) END;
CREATE MACRO trino.regexp_extract_all
    (x, pattern) AS regexp_extract_all(x, pattern),
    (x, pattern, part) AS regexp_extract_all(x, pattern, part);
CREATE MACRO trino.regexp_replace
    (x, pattern) AS regexp_replace(x, pattern, '', 'g'),
    (x, pattern, other) AS regexp_replace(x, pattern, regexp_replace(other, '\$(\d+)', '\\\1', 'g'), 'g');
CREATE MACRO trino.regexp_count (x, pattern) AS len(regexp_extract_all(x, pattern));
CREATE MACRO trino.regexp_split (x, pattern) AS string_split_regex(x, pattern);

-- Bytes --------------------------------------------------------------------------------------------------------
CREATE MACRO trino.to_utf8 (x VARCHAR) AS CASE WHEN contains(x, chr(1114111)) THEN raw_bytes(x) ELSE encode(x) END;
CREATE MACRO trino.from_utf8 (x BLOB) AS coalesce(try(decode(x)), valid_text(x));
CREATE MACRO trino.to_hex (x BLOB) AS hex(x);
CREATE MACRO trino.from_hex (x) AS unhex(x);
CREATE MACRO trino.to_base64 (x BLOB) AS to_base64(x);
CREATE MACRO trino.from_base64 (x) AS from_base64(x);
CREATE MACRO trino.md5 (x BLOB) AS unhex(md5(x));
CREATE MACRO trino.sha1 (x BLOB) AS unhex(sha1(x));
CREATE MACRO trino.sha256 (x BLOB) AS unhex(sha256(x));
CREATE MACRO trino.sha512 (x BLOB) AS sha512_of(x);
CREATE MACRO trino.crc32 (x BLOB) AS crc32_of(x);

-- Numbers ------------------------------------------------------------------------------------------------------
CREATE MACRO trino.from_base (x, radix) AS CASE
    WHEN radix = 16 AND regexp_full_match(x, '[0-9a-fA-F]{1,15}') THEN CAST('0x' || x AS BIGINT)
    ELSE integer_of(x, radix) END;
CREATE MACRO trino.to_base (x, radix) AS lower(to_base(x, radix));
CREATE MACRO trino.mod (x, y) AS x % y;
CREATE MACRO trino.truncate (x) AS trunc(x);
CREATE MACRO trino.is_nan (x) AS isnan(x);
CREATE MACRO trino.nan () AS CAST('NaN' AS DOUBLE);
CREATE MACRO trino.infinity () AS CAST('Infinity' AS DOUBLE);
CREATE MACRO trino.bitwise_and (x, y) AS x & y;
CREATE MACRO trino.bitwise_or (x, y) AS x | y;
CREATE MACRO trino.bitwise_xor (x, y) AS xor(x, y);
CREATE MACRO trino.bitwise_not (x) AS ~x;
CREATE MACRO trino.bitwise_left_shift (x, places) AS x << places;
CREATE MACRO trino.bitwise_right_shift_arithmetic (x, places) AS x >> places;
CREATE MACRO trino.bit_count (x, bits) AS CAST(bit_count(x) AS BIGINT);

-- JSON. A document that DuckDB reads as Trino does is valid, holds no trailing comma, NaN or infinity (which DuckDB
-- takes), no -0 and no byte outside UTF-8; `place` is `path` as DuckDB writes it.
CREATE MACRO trino_reads_equally (x) AS json_valid(x) AND NOT regexp_matches(
    x, ',[ \t\r\n]*[\]}]|(^|[:,\[])[ \t\r\n]*(-0|[-+]?[nNiI][aAnN][nNfF])|\x{10FFFF}');
CREATE MACRO json_scalar (x, path, place) AS CASE
    WHEN NOT trino_reads_equally(x) OR try(json_type(x, place)) = 'DOUBLE' THEN extract_scalar(CAST(x AS VARCHAR), path)
    WHEN try(json_type(x, place)) IN ('OBJECT', 'ARRAY') THEN NULL
    ELSE try(json_extract_string(x, place)) END;
CREATE MACRO json_part (x, path, place) AS CASE
    WHEN trino_reads_equally(x) THEN try(json_extract(x, place))
    ELSE CAST(extract_json(CAST(x AS VARCHAR), path) AS JSON) END;
CREATE MACRO trino.json_parse (x) AS CASE
    WHEN canonical_json(x) IS NULL AND x IS NOT NULL
    THEN CAST(fail('INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: ''' || x || '''') AS JSON)
    ELSE CAST(canonical_json(x) AS JSON) END;
CREATE MACRO trino.json_format (x) AS CAST(x AS VARCHAR);
CREATE MACRO trino.json_array_length (x) AS
    CASE WHEN trino_reads_equally(x) AND json_type(x) = 'ARRAY' THEN CAST(json_array_length(x) AS BIGINT) END;

-- Dates and times. A session's zone is UTC. ---------------------------------------------------------------------
CREATE MACRO trino.date_trunc
    (unit, x DATE) AS CAST(date_trunc(unit, x) AS DATE),
    (unit, x TIMESTAMP) AS date_trunc(unit, x),
    (unit, x TIMESTAMPTZ) AS date_trunc(unit, x);
CREATE MACRO span (unit, size) AS CASE lower(unit)
    WHEN 'millisecond' THEN to_milliseconds(size) WHEN 'second' THEN to_seconds(size)
    WHEN 'minute' THEN to_minutes(size) WHEN 'hour' THEN to_hours(size) WHEN 'day' THEN to_days(CAST(size AS INTEGER))
    WHEN 'week' THEN to_weeks(CAST(size AS INTEGER)) WHEN 'month' THEN to_months(CAST(size AS INTEGER))
    WHEN 'quarter' THEN to_months(CAST(3 * size AS INTEGER)) WHEN 'year' THEN to_years(CAST(size AS INTEGER))
    ELSE CAST(fail('INVALID_FUNCTION_ARGUMENT: ''' || unit || ''' is not a valid field') AS INTERVAL) END;
CREATE MACRO plus
    (x DATE, y) AS CAST(x + y AS DATE),
    (x TIMESTAMP, y) AS x + y,
    (x TIMESTAMPTZ, y) AS x + y;
CREATE MACRO minus
    (x DATE, y) AS CAST(x - y AS DATE),
    (x TIMESTAMP, y) AS x - y,
    (x TIMESTAMPTZ, y) AS x - y;
CREATE MACRO trino.date_add (unit, size, x) AS plus(x, span(unit, size));
CREATE MACRO trino.date_diff (unit, x, y) AS date_sub(unit, x, y);
CREATE MACRO trino.date (x) AS CAST(x AS DATE);
CREATE MACRO trino.last_day_of_month (x) AS last_day(x);
CREATE MACRO trino.day_of_month (x) AS day(x);
CREATE MACRO trino.day_of_week (x) AS isodow(x);
CREATE MACRO trino.dow (x) AS isodow(x);
CREATE MACRO trino.day_of_year (x) AS dayofyear(x);
CREATE MACRO trino.doy (x) AS dayofyear(x);
CREATE MACRO trino.week_of_year (x) AS week(x);
CREATE MACRO trino.year_of_week (x) AS isoyear(x);
CREATE MACRO trino.yow (x) AS isoyear(x);
CREATE MACRO trino.millisecond (x) AS millisecond(x) % 1000;
CREATE MACRO trino.from_unixtime (seconds) AS to_timestamp(CAST(seconds AS DOUBLE));
CREATE MACRO trino.to_unixtime (x) AS epoch(x);
CREATE MACRO trino.to_iso8601
    (x DATE) AS strftime(x, '%Y-%m-%d'),
    (x TIMESTAMP) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%g'),
    (x TIMESTAMPTZ) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%gZ');
CREATE MACRO trino.from_iso8601_timestamp (x) AS CASE
    WHEN regexp_full_match(
        x, '\d{4}-\d{2}-\d{2}(T\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?')
    THEN date_trunc('millisecond', CAST(x AS TIMESTAMPTZ))
    ELSE CAST(fail('INVALID_FUNCTION_ARGUMENT: Invalid format: "' || x || '"') AS TIMESTAMPTZ) END;
CREATE MACRO trino.from_iso8601_date (x) AS CASE
    WHEN regexp_full_match(x, '\d{4}-\d{2}-\d{2}') THEN CAST(x AS DATE)
    ELSE CAST(fail('INVALID_FUNCTION_ARGUMENT: Invalid format: "' || x || '"') AS DATE) END;
CREATE MACRO parsed_date (x, format) AS date_trunc('millisecond', strptime(x, format));
CREATE MACRO formatted_date (x, format) AS strftime(CAST(x AS TIMESTAMP), format);

-- Arrays and maps ----------------------------------------------------------------------------------------------
CREATE MACRO trino.cardinality (x) AS len(x);
CREATE MACRO trino.contains (x, y) AS list_contains(x, y);
CREATE MACRO trino.element_at (x, y) AS x[y];
CREATE MACRO trino.array_distinct (x) AS list_distinct(x);
CREATE MACRO trino.array_sort (x) AS list_sort(x, 'ASC', 'NULLS LAST');
CREATE MACRO trino.array_join
    (x, delimiter) AS array_to_string(x, delimiter),
    (x, delimiter, missing) AS array_to_string(list_transform(x, lambda y: coalesce(CAST(y AS VARCHAR), missing)), delimiter);
CREATE MACRO trino.array_max (x) AS list_max(x);
CREATE MACRO trino.array_min (x) AS list_min(x);
CREATE MACRO trino.array_position (x, y) AS CAST(coalesce(list_position(x, y), 0) AS BIGINT);
CREATE MACRO trino.array_union (x, y) AS list_distinct(list_concat(x, y));
CREATE MACRO trino.array_intersect (x, y) AS list_distinct(list_intersect(x, y));
CREATE MACRO trino.arrays_overlap (x, y) AS list_has_any(x, y);
CREATE MACRO trino.sequence (x, y) AS generate_series(x, y), (x, y, step) AS generate_series(x, y, step);
CREATE MACRO trino.slice (x, "start", size) AS list_slice(x, "start", "start" + size - 1);
CREATE MACRO trino.flatten (x) AS flatten(x);

-- Casts. Trino takes fewer texts than DuckDB does, and writes some types in another way. -------------------------
CREATE MACRO unlike (x, pattern) AS typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), pattern);
CREATE MACRO uncast (x, kind) AS
    fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(x AS VARCHAR) || ''' to ' || kind);
CREATE MACRO cast_tinyint (x) AS
    CASE WHEN unlike(x, '[+-]?\d+') THEN CAST(uncast(x, 'TINYINT') AS TINYINT) ELSE CAST(x AS TINYINT) END;
CREATE MACRO cast_smallint (x) AS
    CASE WHEN unlike(x, '[+-]?\d+') THEN CAST(uncast(x, 'SMALLINT') AS SMALLINT) ELSE CAST(x AS SMALLINT) END;
CREATE MACRO cast_integer (x) AS
    CASE WHEN unlike(x, '[+-]?\d+') THEN CAST(uncast(x, 'INT') AS INTEGER) ELSE CAST(x AS INTEGER) END;
CREATE MACRO cast_bigint (x) AS
    CASE WHEN unlike(x, '[+-]?\d+') THEN CAST(uncast(x, 'BIGINT') AS BIGINT) ELSE CAST(x AS BIGINT) END;
CREATE MACRO cast_date (x) AS
    CASE WHEN unlike(x, '\s*[+-]?\d{4,}-\d{1,2}-\d{1,2}\s*') THEN CAST(uncast(x, 'DATE') AS DATE)
    ELSE CAST(x AS DATE) END;
CREATE MACRO cast_timestamp (x) AS
    CASE WHEN unlike(x, '[+-]?\d{4,}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?)?')
    THEN CAST(uncast(x, 'TIMESTAMP') AS TIMESTAMP) ELSE CAST(x AS TIMESTAMP) END;
CREATE MACRO cast_timestamptz (x) AS
    CASE WHEN unlike(x, '[+-]?\d{4,}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?)?( ?([A-Za-z_/]+|[+-]\d{2}:?\d{2}))?')
    THEN CAST(uncast(x, 'TIMESTAMP WITH TIME ZONE') AS TIMESTAMPTZ) ELSE CAST(x AS TIMESTAMPTZ) END;
CREATE MACRO timestamp_text (x) AS CASE
    WHEN contains(x, '.') THEN rpad(x, CASE WHEN length(x) > 23 THEN 26 ELSE 23 END, '0') ELSE x || '.000' END;
CREATE MACRO cast_varchar (x) AS CASE typeof(x)
    WHEN 'DOUBLE' THEN double_text(CAST(x AS VARCHAR))
    WHEN 'FLOAT' THEN double_text(CAST(x AS VARCHAR))
    WHEN 'TIMESTAMP' THEN timestamp_text(CAST(x AS VARCHAR))
    WHEN 'TIMESTAMP WITH TIME ZONE' THEN timestamp_text(replace(CAST(x AS VARCHAR), '+00', '')) || ' UTC'
    WHEN 'JSON' THEN json_scalar(CAST(x AS VARCHAR), '$', '$')
    WHEN 'BLOB' THEN fail('TYPE_MISMATCH: Cannot cast varbinary to varchar')
    ELSE CAST(x AS VARCHAR) END;
CREATE MACRO subscript (x, y) AS x[CASE
    WHEN y = 0 THEN CAST(fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') AS BIGINT)
    WHEN y < 0 THEN CAST(fail('INVALID_FUNCTION_ARGUMENT: Array subscript is negative: ' || y) AS BIGINT)
    WHEN y > len(x) THEN CAST(fail('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: '
        || y || ' > ' || len(x)) AS BIGINT)
    ELSE y END];
