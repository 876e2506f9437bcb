"""Bronze to Silver of one source: every raw record of some arrival hours gets its fate, in Silver or in rejects."""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections import Counter

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from silver_job.audit import audit
from silver_job.judging import judge_objects
from silver_job.plan import Plan, write_json
from silver_job.tables import ATTEMPT, HOURS, RUN_ID, BranchedTable
from silver_job.winners import rule


def run(spark: SparkSession, plan: Plan) -> dict:
    branch = re.sub(r"[^a-z0-9]+", "_", plan.run_id.lower())
    silver = BranchedTable(spark, plan.source.table("silver"), branch)
    rejects = BranchedTable(spark, plan.source.table("rejects"), branch)
    joining = set(plan.hours)
    half_published = rejects.last_run()
    if half_published.get(ATTEMPT) != silver.last_run().get(ATTEMPT):
        joining |= set(filter(None, half_published.get(HOURS, "").split(",")))
    lap("lookup")
    for table in (rejects, silver):
        table.open_branch()
    lap("branches")

    judged = None
    window: list[str] = []
    number = 0
    while joining:
        objects = [each for hour in sorted(joining) for each in plan.objects(hour)]
        size = sum(o.size for o in objects)
        spark.conf.set("spark.sql.shuffle.partitions", max(spark.sparkContext.defaultParallelism, size >> 25))
        more = judge_objects(spark, plan, objects, number)
        lap("judge")
        number += len(objects)
        judged = judged | more if judged else more
        window = sorted({*window, *joining})
        ruling = rule(judged, silver.published(), rejects.published(), window, plan.source.events)
        lap("rule")
        joining = ruling.joining

    summary = {RUN_ID: plan.run_id, HOURS: ",".join(window), ATTEMPT: uuid.uuid4().hex}
    columns = ["arrival_hour","object_id","raw_hash","fate","reason","payload","event_id","event_date","winner_hour","winner_object","winner_hash","contract"]
    none = {"event_id":"string","event_date":"date","winner_hour":"string","winner_object":"string","winner_hash":"string"}
    duplicates = ruling.duplicates.withColumns({"fate": F.lit("duplicate"), "payload": F.lit(None).cast("binary"), "reason": F.when(F.col("raw_hash") == F.col("winner_hash"), "exact").otherwise("conflict")})
    rejects.overwrite(judged.records.where("_fate <> 'good'").withColumnsRenamed({"_fate":"fate","_reason":"reason","_payload":"payload"}).withColumns({n: F.lit(None).cast(t) for n, t in none.items()}).select(columns).union(duplicates.select(columns)), window, "hash", summary)
    lap("rejects")
    good = judged.records.where("_fate = 'good'")
    silver.overwrite(good.join(F.broadcast(ruling.duplicates.select("_record")), "_record", "left_anti").drop("_record","_fate","_reason","_payload"), window, "none", summary)
    lap("silver")
    expected = judged.fates + Counter({(h, "duplicate"): n for h, n in ruling.counts.items()})
    for hour, count in ruling.counts.items(): expected[hour, "good"] -= count
    expected = +expected
    audit(silver, rejects, window, expected, judged.dates, plan.source.events)
    lap("audit")
    result = {
        "run_id": plan.run_id, "hours": window, "joined": sorted(set(window)-set(plan.hours)),
        "rejects_snapshot": rejects.publish(), "silver_snapshot": silver.publish(),
        "counts": {h: {f: expected[h, f] for f in ("good","filtered","quarantined","duplicate")} for h in window},
    }
    for table in (rejects, silver): table.drop_branch()
    lap("publish")
    return result

def lap(w): pass

def main(argv):
    options = getResolvedOptions(argv, ["JOB_NAME", "plan"])
    plan = Plan.read(options["plan"])
    result = run(SparkSession.builder.getOrCreate(), plan)
    write_json(plan.result, result)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv)
