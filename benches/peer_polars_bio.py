"""Depth per base to pandas by polars-bio, on two threads; prints seconds and the sum of the depths, as JSON."""

import json
import sys
import time

import polars_bio

# The name of the option that says how many partitions, and so threads, its engine works with.
polars_bio.set_option("datafusion.execution.target_partitions", "2")
began = time.perf_counter()
frame = polars_bio.depth(sys.argv[1], per_base=True, output_type="pandas.DataFrame")
print(json.dumps({"seconds": time.perf_counter() - began, "sum": int(frame["coverage"].to_numpy("int64").sum())}))
