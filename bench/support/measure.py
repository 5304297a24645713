"""Runs a command and prints its cost as one JSON object: wall and CPU seconds, peak memory, its last line.

With `--threads`, also the cost by thread. Threads are read every 20 ms from the kernel's accounting (/proc/PID/task/TID/schedstat in
nanoseconds, or utime + stime of stat, in ticks); the last value of a thread that ended is kept. The total is that of wait4, which
includes what no sample saw: the last moments of threads, and short threads.

measure.py [--threads] COMMAND [ARGUMENT ...]
"""

import json
import os
import sys
import threading
import time

INTERVAL = 0.02
TICK = 1 / os.sysconf("SC_CLK_TCK")


def sample(task, tid):
    with open(f"{task}/{tid}/stat") as file:
        line = file.read()
    # The name is in brackets and may hold brackets itself.
    name, fields = line[line.index("(") + 1 : line.rindex(")")], line[line.rindex(")") + 2 :].split()
    try:
        with open(f"{task}/{tid}/schedstat") as file:
            return name, int(file.read().split()[0]) / 1e9
    except OSError:
        return name, (int(fields[11]) + int(fields[12])) * TICK


def watch(pid, threads, ended):
    task = f"/proc/{pid}/task"
    while not ended.wait(INTERVAL):
        try:
            tids = os.listdir(task)
        except OSError:
            return
        for tid in tids:
            try:
                name, seconds = sample(task, tid)
            except (OSError, ValueError, IndexError):
                continue
            # A thread has its maker's name until it sets its own, so the last one counts.
            threads[tid] = {"name": name, "isMain": int(tid) == pid, "cpuSeconds": seconds}


by_thread = sys.argv[1] == "--threads"
command = sys.argv[2:] if by_thread else sys.argv[1:]
started = time.perf_counter()
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    os.dup2(write, 1)
    os.close(read)
    os.execvp(command[0], command)
os.close(write)
threads, ended = {}, threading.Event()
watcher = threading.Thread(target=watch, args=(pid, threads, ended))
if by_thread:
    watcher.start()
with os.fdopen(read) as stream:
    lines = stream.read().strip().split("\n")
_, status, usage = os.wait4(pid, 0)
if by_thread:
    ended.set()
    watcher.join()
if status != 0:
    sys.exit(f"{' '.join(command)} failed")
try:
    output = json.loads(lines[-1])
except ValueError:
    output = None
cost = {
    "seconds": time.perf_counter() - started,
    "cpuSeconds": usage.ru_utime + usage.ru_stime,
    "peakMemoryBytes": usage.ru_maxrss * 1024,
    "output": output,
}
if by_thread:
    cost["threads"] = sorted(threads.values(), key=lambda thread: -thread["cpuSeconds"])
print(json.dumps(cost))
