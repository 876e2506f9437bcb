-- What a compaction did to the rows of some partitions, compared in every column at two pinned snapshots: nothing, or it
-- is wrong.
-- Grain: one row.
-- Names: compacted (the table), columns, settled_by. Values: before, after (snapshots), since, until (of settled_by).
WITH placed AS (
    SELECT ${columns}, 1 AS copies_before, 0 AS copies_after
    FROM ${compacted} FOR VERSION AS OF ${before}
    WHERE ${settled_by} >= ${since} AND ${settled_by} < ${until}
    UNION ALL
    SELECT ${columns}, 0, 1
    FROM ${compacted} FOR VERSION AS OF ${after}
    WHERE ${settled_by} >= ${since} AND ${settled_by} < ${until}
),
equal AS (
    SELECT sum(copies_before) AS copies_before, sum(copies_after) AS copies_after
    FROM placed
    GROUP BY ${columns}
)
SELECT coalesce(sum(copies_after), 0) AS records,
       coalesce(sum(greatest(copies_before - copies_after, 0)), 0) AS lost,
       coalesce(sum(greatest(copies_after - copies_before, 0)), 0) AS made_up
FROM equal
