"""moto's server on a free port of 127.0.0.1, whose Batch runs jobs as processes of this machine.

moto itself runs a job in Docker, or does not run it at all. Here its command runs as it is, with the environment that Batch
would give it; what it prints goes to moto's CloudWatch Logs line by line, and TerminateJob sends it SIGTERM. IAM has
SimulatePrincipalPolicy of policies.py. All else is moto's.
"""
import datetime
import os
import signal
import subprocess
import sys
import threading
import time

import policies
from moto.batch import models
from moto.iam.responses import IamResponse
from moto.server import ThreadedMotoServer


def run_as_process(job):
    container = job.job_definition.container_properties
    options = container.get("logConfiguration", {}).get("options", {})
    group, stream = options.get("awslogs-group", "/aws/batch/job"), job._stream_name
    job.status = "RUNNABLE"
    # A job of such a name waits for a machine that does not come.
    while "waits" in job.job_name and not job.stop:
        time.sleep(0.05)
    if job.stop:
        return job._mark_stopped(success=False)
    job.log_stream_name = stream
    job._log_backend.ensure_log_group(group)
    job._log_backend.ensure_log_stream(group, stream)
    job.job_started_at = datetime.datetime.now()
    job._start_attempt()
    given = {entry["name"]: entry["value"] for entry in job._get_container_property("environment", [])}
    process = subprocess.Popen(
        job._get_container_property("command", []),
        env={**os.environ, **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    job.status = "RUNNING"

    def stop_when_told():
        while process.poll() is None and not job.stop:
            time.sleep(0.05)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)

    watcher = threading.Thread(target=stop_when_told)
    watcher.start()
    for line in process.stdout:
        event = {"timestamp": int(time.time() * 1000), "message": line.rstrip("\n")}
        job._log_backend.put_log_events(group, stream, [event])
    job.exit_code = process.wait()
    watcher.join()
    job._mark_stopped(success=job.exit_code == 0 and not job.stop)


models.Job.run = run_as_process
IamResponse.simulate_principal_policy = policies.simulate
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
# It ends with the test that started it, however that ends.
sys.stdin.read()
for backends in models.batch_backends.values():
    for backend in backends.values():
        for job in backend._jobs.values():
            job.stop = True
time.sleep(0.2)
