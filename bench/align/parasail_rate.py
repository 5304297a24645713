"""Aligns the first proteins of a FASTA file with all others by parasail, on one core: score alone, and with identities.

    parasail_rate.py FASTA QUERIES

Prints one JSON object: CPU seconds of each, without reading the file.
"""

import json
import sys
import time

import parasail

records = open(sys.argv[1]).read().split(">")[1:]
proteins = ["".join(record.split("\n")[1:]) for record in records]
count = int(sys.argv[2])
queries, targets = proteins[:count], proteins[count:]


def measure(create_profile, align):
    start = time.process_time()
    total = 0
    for query in queries:
        profile = create_profile(query, parasail.blosum62)
        for target in targets:
            total += align(profile, target, 12, 1).score
    return {"cpuSeconds": time.process_time() - start, "total": total}


print(
    json.dumps(
        {
            "score": measure(parasail.profile_create_sat, parasail.sw_striped_profile_sat),
            "align": measure(parasail.profile_create_stats_sat, parasail.sw_stats_striped_profile_sat),
        }
    )
)
