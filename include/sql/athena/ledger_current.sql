-- What the ledger says now: the current line of each arrival hour, the one with the highest sequence.
-- Grain: one row an arrival hour that any run has looked at.
-- Names: ledger.
WITH lines AS (
    SELECT arrival_hour, state, causes, waivers, tiers, fates, contract, run, triggered_by, checked_at, sequence, hash,
           row_number() OVER (PARTITION BY arrival_hour ORDER BY sequence DESC) AS age
    FROM ${ledger}
)
SELECT arrival_hour,
       state,
       array_join(causes, ', ') AS causes,
       array_join(transform(waivers, waiver -> waiver.waived_by), ', ') AS waived_by,
       array_join(transform(waivers, waiver -> waiver.reason), '; ') AS waived_because,
       tiers.bronze AS bronze,
       tiers.silver AS silver,
       coalesce(element_at(fates, 'filtered'), 0) AS filtered,
       coalesce(element_at(fates, 'quarantined'), 0) AS quarantined,
       coalesce(element_at(fates, 'duplicate'), 0) AS duplicate,
       contract, run, triggered_by, checked_at, sequence, hash
FROM lines
WHERE age = 1
ORDER BY arrival_hour
