"""Runs a command and prints its cost as one JSON object: wall and CPU seconds, peak memory, its last line."""

import json
import os
import sys
import time

started = time.perf_counter()
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    os.dup2(write, 1)
    os.close(read)
    os.execvp(sys.argv[1], sys.argv[1:])
os.close(write)
with os.fdopen(read) as stream:
    lines = stream.read().strip().split("\n")
_, status, usage = os.wait4(pid, 0)
if status != 0:
    sys.exit(f"{' '.join(sys.argv[1:])} failed")
try:
    output = json.loads(lines[-1])
except ValueError:
    output = None
print(json.dumps({
    "seconds": time.perf_counter() - started,
    "cpuSeconds": usage.ru_utime + usage.ru_stime,
    "peakMemoryBytes": usage.ru_maxrss * 1024,
    "output": output,
}))
